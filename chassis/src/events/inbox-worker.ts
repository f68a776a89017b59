// Runs one consumer. Messages come from the broker in whatever order and number; they leave here in the topic's order,
// each exactly once. The watermark decides: what is at or below it was applied, what follows it is next, and whatever
// is missing in between is fetched from the producer, past the broker. What has arrived is in arrivals.ts, the lease and
// the watermark in place.ts, what is known of the producer in history.ts, who failed how often in attempts.ts.
import { type Bell, createBell } from '../bell.ts';
import { isTooSlow } from '../postgres/passing.ts';
import { handleRecords, sortRecords } from './apply.ts';
import { createArrivals } from './arrivals.ts';
import { createAttempts, handling, RejectedError } from './attempts.ts';
import { createTakeBack, runCanaryLane } from './canary-lane.ts';
import type { TopicRecord } from './envelope.ts';
import { insertHanded } from './handed.ts';
import { createHistory, SYNC_MS } from './history.ts';
import { blockedAggregates, moveWatermark, type Parking, parkRecords, type Watermark } from './inbox.ts';
import type { InboxWorkerOptions } from './inbox-options.ts';
import { ALWAYS_STABLE } from './lane.ts';
import { createPlace, RENEW_MS } from './place.ts';
import { redriveParked } from './redrive.ts';

export interface InboxWorker {
  run(signal: AbortSignal): Promise<void>;
  /** Why the consumer stands still for an operator to decide; undefined when it does not. */
  stuck(): string | undefined;
}

const STANDBY_MS = 1000;
/** How long a missing number may still arrive by the broker before it is fetched. */
const GAP_WAIT_MS = 200;
/** How long a head may be ahead with nothing arriving: the broker lost the tail, or never had it. */
const TAIL_WAIT_MS = 1000;
const RETRY_MS = { first: 50, max: 2000 };

/** Another replica took over, or the watermark moved: read it again before going on. */
class LostPlace extends Error {}

export function createInboxWorker<Context>(options: InboxWorkerOptions<Context>): InboxWorker {
  const { definition, context, db, bus, producer, instance, clock, log, metrics, failpoints } = options;
  const { lane = ALWAYS_STABLE } = options;
  const { name: consumer, topic, batchMax = 256, attemptsMax = 5, paceMs = 0 } = definition;
  const labels = { consumer, topic: topic.name };
  const bell: Bell = createBell(clock);
  const place = createPlace({ db, clock, consumer, topic: topic.name, instance });
  const history = createHistory({ clock, log, labels, onEpoch: (epoch) => arrivals.keepOnly(epoch) });
  const arrivals = createArrivals({ bus, consumer, topic: topic.name, place, history, bell });
  const attempts = createAttempts({ batchMax, attemptsMax });
  const takeBack = createTakeBack(options);
  /** Until when a paced consumer lets messages gather, unless a batch of them does. */
  let gatherUntilMs = Number.NEGATIVE_INFINITY;

  async function write(from: Watermark, records: readonly TopicRecord[], epoch: number): Promise<void> {
    const last = records.at(-1) as TopicRecord;
    const to = { epoch, seq: last.sequence, lastEventId: last.eventId };
    const { good, parked } = await handling(db, async (tx, blame) => {
      const share = await moveWatermark(tx, consumer, topic.name, instance, { from, to });
      if (share === undefined) throw new LostPlace();
      const sorted = sortRecords(definition, records, { blocked: place.blocked(), failed: attempts.failed(), share });
      if (sorted.parked.length > 0) await parkRecords(tx, consumer, topic.name, sorted.parked);
      if (sorted.handed.length > 0) await insertHanded(tx, consumer, topic.name, sorted.handed);
      blame(records);
      await handleRecords(tx, definition, sorted.wanted, context);
      await failpoints.hit('inbox.before_commit');
      return sorted;
    });
    await failpoints.hit('inbox.after_commit');
    place.moved(to);
    attempts.succeeded(records);
    remark(parked);
    arrivals.settle(to.seq);
    measure(good);
  }

  function remark(parked: readonly Parking[]): void {
    for (const { record, error } of parked) {
      place.block(record.aggregateId);
      log.error('a message was parked', {
        ...labels,
        sequence: record.sequence,
        id: record.aggregateId,
        reason: error,
      });
      metrics.count('inbox_parked_total', 'Messages parked', labels);
    }
  }

  /** What was handed over is counted by whoever applies it. */
  function measure(applied: readonly TopicRecord[]): void {
    const last = applied.at(-1);
    if (last === undefined) return;
    const seconds = Math.max(0, clock.now().getTime() - last.occurredAt.getTime()) / 1000;
    metrics.observe('inbox_delay_seconds', 'From commit at the producer to applied here', seconds, labels);
    metrics.count('inbox_applied_total', 'Messages applied', labels, applied.length);
  }

  /** Applies records, or learns why not: one that fails is tried alone, a few times, and then parked. */
  async function apply(at: Watermark, records: readonly TopicRecord[], epoch: number, signal: AbortSignal) {
    try {
      await write(at, records, epoch);
    } catch (error) {
      if (isTooSlow(error)) attempts.tooSlow(records.length);
      if (!(error instanceof RejectedError)) throw error;
      const attempt = attempts.rejected(records, error.cause)?.attempts;
      if (attempt === undefined) return;
      const { sequence } = records[0] as TopicRecord;
      log.warn('a message could not be handled', { ...labels, sequence, error: error.cause, attempt });
      if (attempt < attemptsMax) await clock.sleep(RETRY_MS.first * 2 ** attempt, signal);
    }
  }

  async function sync(at: Watermark, signal: AbortSignal): Promise<void> {
    history.asking();
    const answer = await producer.sync(topic.name, consumer, at, signal).catch((error) => {
      log.debug('the producer could not be asked', { ...labels, error });
    });
    if (!answer || !history.answered(answer)) return;
    if (answer.consistent && answer.epoch !== at.epoch) await keepEpoch(at, answer.epoch);
    metrics.gauge('inbox_lag', "Producer's head minus watermark", Number(history.head() - at.seq), labels);
  }

  /** The new epoch continues what was applied. Stored, so that it need not be asked again. */
  async function keepEpoch(from: Watermark, epoch: number): Promise<void> {
    const to = { ...from, epoch };
    const moved = await db.transact((tx) => moveWatermark(tx, consumer, topic.name, instance, { from, to }));
    if (moved === undefined) throw new LostPlace();
    place.moved(to);
  }

  /** Takes or renews the place, with what is to be done there from time to time. */
  async function takePlace(signal: AbortSignal): Promise<Watermark | undefined> {
    const at = await place.take();
    if (at === undefined) {
      await arrivals.close();
      return undefined;
    }
    history.learn(at.epoch, at.seq);
    arrivals.settle(at.seq);
    await arrivals.open();
    if (place.hasHanded() && (await takeBack(signal, place.isLeaseDue)) > 0) {
      place.stillBlocked(await blockedAggregates(db, consumer, topic.name));
    }
    if (place.blocked().size > 0) place.stillBlocked(await redriveParked(options, signal));
    return at;
  }

  /** Does what is next; how long there is nothing more to do, unless something arrives. */
  async function turn(signal: AbortSignal): Promise<number> {
    const at = place.isLeaseDue() ? await takePlace(signal) : (place.watermark() ?? (await takePlace(signal)));
    if (at === undefined) return STANDBY_MS;
    const askInMs = history.askInMs(at);
    if (askInMs <= 0) {
      await sync(at, signal);
      return 0;
    }
    if (history.isUnproven(at)) return askInMs;
    const limit = attempts.limit();
    const gatherMs = gatherUntilMs - clock.monotonicMs();
    if (gatherMs > 0 && arrivals.size() > 0 && arrivals.size() < limit) return gatherMs;
    const records = arrivals.next(at.seq, limit);
    if (records.length === 0) return fillGap(at, signal);
    if (records.length < limit) gatherUntilMs = clock.monotonicMs() + paceMs;
    history.found();
    await apply(at, records, history.epoch(), signal);
    return 0;
  }

  /** Nothing is next: wait a little for it, then ask the producer. */
  async function fillGap(at: Watermark, signal: AbortSignal): Promise<number> {
    const waitMs = history.missingInMs(at.seq, arrivals.size() === 0 ? TAIL_WAIT_MS : GAP_WAIT_MS);
    if (waitMs === undefined) return Math.min(RENEW_MS, SYNC_MS);
    if (waitMs > 0) return waitMs;
    const { epoch, records } = await producer.replay(topic.name, at.seq, signal);
    const [first] = records;
    if (epoch !== history.epoch()) {
      history.enter(epoch, history.head());
      return 0;
    }
    if (first === undefined) {
      history.endsAt(at.seq);
      return 0;
    }
    // A new consumer begins with what is still kept; one that stood further on must not skip anything unseen.
    const isCut = first.sequence !== at.seq + 1n;
    const lost =
      isCut && at.seq > 0n ? `events ${at.seq + 1n} to ${first.sequence - 1n} are not kept any more` : undefined;
    history.lost(lost);
    if (lost !== undefined) {
      log.error('the consumer stands still: its producer cannot replay what it lacks', { ...labels, reason: lost });
      return SYNC_MS;
    }
    metrics.count('inbox_replayed_total', 'Messages fetched from the producer', labels, records.length);
    arrivals.add(epoch, records);
    if (isCut) await apply(at, records.slice(0, attempts.limit()), epoch, signal);
    return 0;
  }

  /** Reads the topic, until this version is not the stable one any more. */
  async function runStable(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted && lane() === 'stable') {
      try {
        const pauseMs = await turn(signal);
        failures = 0;
        if (pauseMs > 0) await bell.wait(pauseMs, signal);
      } catch (error) {
        place.forget();
        if (!(error instanceof LostPlace)) log.warn('a batch could not be applied; trying again', { ...labels, error });
        // Another replica may apply them by now, if its database answers.
        if (place.isLeaseOver()) await arrivals.close();
        await clock.sleep(Math.min(RETRY_MS.max, RETRY_MS.first * 2 ** failures++), signal);
      }
    }
    await arrivals.close();
    await place.giveBack();
  }

  return {
    stuck() {
      const slow = `${consumer}: a message of ${topic.name} takes longer than the database allows`;
      return history.stuck() ?? (attempts.isStuck() ? slow : undefined);
    },
    async run(signal) {
      while (!signal.aborted) {
        const now = lane();
        if (now === 'stable') await runStable(signal);
        else if (now === 'canary') await runCanaryLane(options, signal);
        else await clock.sleep(STANDBY_MS, signal);
      }
    },
  };
}
