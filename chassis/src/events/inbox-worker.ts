// Runs one consumer. Messages come from the broker in whatever order and number; they leave here in the topic's order,
// each exactly once. The watermark decides: what is at or below it was applied, what follows it is next, and whatever
// is missing in between is fetched from the producer, past the broker.
import { type Bell, createBell } from '../bell.ts';
import type { Failpoints } from '../failpoint.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Database } from '../postgres/database.ts';
import type { Clock } from '../runtime.ts';
import { handleRecords, sortRecords } from './apply.ts';
import type { Bus, BusMessage } from './bus.ts';
import { createTakeBack, runCanaryLane } from './canary-lane.ts';
import type { ConsumerDefinition } from './consumer.ts';
import type { TopicRecord } from './envelope.ts';
import { insertHanded } from './handed.ts';
import {
  blockedAggregates,
  leaseWatermark,
  moveWatermark,
  type Parking,
  parkRecords,
  type Watermark,
} from './inbox.ts';
import { ALWAYS_STABLE, type CurrentLane } from './lane.ts';
import type { Producer } from './producer.ts';
import { redriveParked } from './redrive.ts';
import { isTransient } from './transient.ts';

export interface InboxWorkerOptions<Context> {
  readonly definition: ConsumerDefinition<Context>;
  readonly context: Context;
  readonly db: Database;
  readonly bus: Bus;
  readonly producer: Producer;
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly failpoints: Failpoints;
  /** STOA_VERSION of this process. @default none */
  readonly version?: string;
  /** What that version is now. @default always stable */
  readonly lane?: CurrentLane;
}

export interface InboxWorker {
  run(signal: AbortSignal): Promise<void>;
  /** Why the consumer stands still for an operator to decide; undefined when it does not. */
  stuck(): string | undefined;
}

const LEASE_SECONDS = 10;
const RENEW_MS = 3000;
const STANDBY_MS = 1000;
/** How long a missing number may still arrive by the broker before it is fetched. */
const GAP_WAIT_MS = 200;
/** How long a head may be ahead with nothing arriving: the broker lost the tail, or never had it. */
const TAIL_WAIT_MS = 1000;
const SYNC_MS = 5000;
/** How soon the producer is asked again while its answer decides whether anything may be applied. */
const ASK_AGAIN_MS = 1000;
const QUEUE_MAX = 4096;
const RETRY_MS = { first: 50, max: 2000 };

/** Another replica took over, or the watermark moved: read it again before going on. */
class LostPlace extends Error {}

export function createInboxWorker<Context>(options: InboxWorkerOptions<Context>): InboxWorker {
  const { definition, context, db, bus, producer, instance, clock, log, metrics, failpoints } = options;
  const { lane = ALWAYS_STABLE } = options;
  const takeBack = createTakeBack(options);
  const { name: consumer, topic, batchMax = 256, attemptsMax = 5 } = definition;
  const labels = { consumer, topic: topic.name };
  const bell: Bell = createBell(clock);
  const queue = new Map<bigint, BusMessage>();
  const failed = new Map<bigint, { error: string; attempts: number }>();
  let blocked = new Set<string>();
  let watermark: Watermark | undefined;
  /** A canary may have left, or given back, what was handed to it. */
  let hasHanded = false;
  // What the producer's history is known to be: its epoch, and its last number in it.
  let headEpoch = 0;
  let head = 0n;
  let behindSince: number | undefined;
  let diverged = false;
  /** What the producer no longer keeps although this consumer lacks it. */
  let lost: string | undefined;
  let leasedAt = 0;
  let syncedAt = Number.NEGATIVE_INFINITY;

  function receive(message: BusMessage): void {
    const { sequence } = message.record;
    learnHead(message.epoch, sequence);
    const isApplied = watermark !== undefined && sequence <= watermark.seq && message.epoch === watermark.epoch;
    if (isApplied || message.epoch < headEpoch) {
      message.ack();
      return;
    }
    // Beyond the bound the broker delivers it again later, or it is replayed.
    if (queue.size < QUEUE_MAX) queue.set(sequence, message);
    bell.ring();
  }

  function learnHead(epoch: number, sequence: bigint): void {
    if (epoch > headEpoch) enterEpoch(epoch, sequence);
    else if (epoch === headEpoch && sequence > head) head = sequence;
  }

  /** Messages of another epoch may be of a history that never was: what is true of them, the producer replays. */
  function enterEpoch(epoch: number, sequence: bigint): void {
    headEpoch = epoch;
    head = sequence;
    for (const [number, message] of queue) {
      if (message.epoch === epoch) continue;
      message.ack();
      queue.delete(number);
    }
  }

  /** The producer's history is not known to be the one that was applied so far. */
  const isUnproven = ({ seq, epoch }: Watermark) => diverged || (seq > 0n && epoch !== headEpoch);

  const isLeaseDue = () => clock.monotonicMs() - leasedAt > RENEW_MS;

  async function takePlace(): Promise<boolean> {
    const lease = { owner: instance, seconds: LEASE_SECONDS };
    const found = await leaseWatermark(db, consumer, topic.name, lease);
    leasedAt = clock.monotonicMs();
    if (found !== undefined && watermark === undefined) blocked = await blockedAggregates(db, consumer, topic.name);
    if (found !== undefined) learnHead(found.epoch, found.seq);
    hasHanded = found?.hasHanded === true;
    watermark = found;
    return found !== undefined;
  }

  function nextInQueue({ seq }: Watermark): TopicRecord[] {
    const records: TopicRecord[] = [];
    for (let next = seq + 1n; records.length < batchMax; next++) {
      const message = queue.get(next);
      if (message === undefined) break;
      records.push(message.record);
    }
    return records;
  }

  async function write(from: Watermark, records: readonly TopicRecord[], epoch: number): Promise<void> {
    const last = records.at(-1) as TopicRecord;
    const to = { epoch, seq: last.sequence, lastEventId: last.eventId };
    const { good, parked } = await db.transact(async (tx) => {
      const share = await moveWatermark(tx, consumer, topic.name, instance, { from, to });
      if (share === undefined) throw new LostPlace();
      const sorted = sortRecords(definition, records, { blocked, failed, share });
      if (sorted.parked.length > 0) await parkRecords(tx, consumer, topic.name, sorted.parked);
      if (sorted.handed.length > 0) await insertHanded(tx, consumer, topic.name, sorted.handed);
      await handleRecords(tx, definition, sorted.good, context);
      await failpoints.hit('inbox.before_commit');
      return sorted;
    });
    await failpoints.hit('inbox.after_commit');
    watermark = to;
    remark(parked);
    settle(to);
    measure(good);
  }

  function remark(parked: readonly Parking[]): void {
    for (const { record, error } of parked) {
      failed.delete(record.sequence);
      blocked.add(record.aggregateId);
      log.error('a message was parked', {
        ...labels,
        sequence: record.sequence,
        id: record.aggregateId,
        reason: error,
      });
      metrics.count('inbox_parked_total', 'Messages parked', labels);
    }
  }

  function settle({ seq }: Watermark): void {
    for (const [sequence, message] of queue) {
      if (sequence > seq) continue;
      message.ack();
      queue.delete(sequence);
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

  /** Applies records in order; a failing one is tried alone, a few times, and then parked. */
  async function apply(records: readonly TopicRecord[], epoch: number, signal: AbortSignal): Promise<void> {
    const from = watermark as Watermark;
    try {
      await write(from, records, epoch);
    } catch (error) {
      if (error instanceof LostPlace || isTransient(error)) throw error;
      if (records.length > 1) {
        for (const record of records) {
          if (!signal.aborted) await apply([record], epoch, signal);
        }
        return;
      }
      await remember(records[0] as TopicRecord, error, signal);
      if (!signal.aborted) await apply(records, epoch, signal);
    }
  }

  const tries = new Map<bigint, number>();

  async function remember({ sequence }: TopicRecord, error: unknown, signal: AbortSignal): Promise<void> {
    const attempts = (tries.get(sequence) ?? 0) + 1;
    tries.set(sequence, attempts);
    log.warn('a message could not be handled', { ...labels, sequence, error, attempt: attempts });
    if (attempts >= attemptsMax) {
      tries.delete(sequence);
      failed.set(sequence, { error: String((error as Error)?.message ?? error), attempts });
      return;
    }
    await clock.sleep(RETRY_MS.first * 2 ** attempts, signal);
  }

  async function sync(at: Watermark, signal: AbortSignal): Promise<void> {
    syncedAt = clock.monotonicMs();
    const answer = await producer.sync(topic.name, consumer, at, signal).catch((error) => {
      log.debug('the producer could not be asked', { ...labels, error });
    });
    if (answer === undefined) return;
    if (!answer.consistent && !diverged) {
      log.error('the producer was restored: this consumer applied events that no longer exist', labels);
    }
    diverged = !answer.consistent;
    if (answer.epoch !== headEpoch) enterEpoch(answer.epoch, answer.head);
    else learnHead(answer.epoch, answer.head);
    if (!diverged && answer.epoch !== at.epoch) await keepEpoch(at, answer.epoch);
    metrics.gauge('inbox_lag', "Producer's head minus watermark", Number(head - at.seq), labels);
  }

  /** The new epoch continues what was applied. Stored, so that it need not be asked again. */
  async function keepEpoch(from: Watermark, epoch: number): Promise<void> {
    const to = { ...from, epoch };
    const moved = await db.transact((tx) => moveWatermark(tx, consumer, topic.name, instance, { from, to }));
    if (moved === undefined) throw new LostPlace();
    watermark = to;
  }

  async function turn(signal: AbortSignal): Promise<number> {
    if (watermark === undefined || isLeaseDue()) {
      if (!(await takePlace())) return STANDBY_MS;
      settle(watermark as unknown as Watermark);
      if (hasHanded && (await takeBack(signal, isLeaseDue)) > 0) {
        blocked = await blockedAggregates(db, consumer, topic.name);
      }
      if (blocked.size > 0) blocked = await redriveParked(options, blocked, signal);
    }
    const at = watermark as unknown as Watermark;
    const everyMs = isUnproven(at) ? ASK_AGAIN_MS : SYNC_MS;
    const sinceSyncMs = clock.monotonicMs() - syncedAt;
    if (sinceSyncMs >= everyMs) {
      await sync(at, signal);
      return 0;
    }
    if (isUnproven(at)) return everyMs - sinceSyncMs;
    const records = nextInQueue(at);
    if (records.length > 0) {
      behindSince = undefined;
      await apply(records, headEpoch, signal);
      return 0;
    }
    return fillGap(at, signal);
  }

  /** Nothing is next in the queue: wait a little for it, then ask the producer. */
  async function fillGap(at: Watermark, signal: AbortSignal): Promise<number> {
    if (head <= at.seq) {
      behindSince = undefined;
      return Math.min(RENEW_MS, SYNC_MS);
    }
    behindSince ??= clock.monotonicMs();
    const patience = queue.size > 0 ? GAP_WAIT_MS : TAIL_WAIT_MS;
    const waited = clock.monotonicMs() - behindSince;
    if (waited < patience) return patience - waited;
    const { epoch, records } = await producer.replay(topic.name, at.seq, signal);
    if (epoch !== headEpoch) {
      enterEpoch(epoch, head);
      return 0;
    }
    if (records.length === 0) {
      behindSince = undefined;
      head = at.seq;
      return 0;
    }
    const first = (records[0] as TopicRecord).sequence;
    // A new consumer begins with what is still kept; one that stood further on must not skip anything unseen.
    lost =
      at.seq > 0n && first !== at.seq + 1n ? `events ${at.seq + 1n} to ${first - 1n} are not kept any more` : undefined;
    if (lost !== undefined) {
      log.error('the consumer stands still: its producer cannot replay what it lacks', { ...labels, reason: lost });
      return SYNC_MS;
    }
    metrics.count('inbox_replayed_total', 'Messages fetched from the producer', labels, records.length);
    for (let start = 0; start < records.length && !signal.aborted; start += batchMax) {
      await apply(records.slice(start, start + batchMax), epoch, signal);
    }
    return 0;
  }

  return {
    stuck() {
      if (diverged) return `${consumer}: the producer of ${topic.name} was restored to an earlier state`;
      return lost === undefined ? undefined : `${consumer}: of ${topic.name}, ${lost}`;
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

  /** Reads the topic, until this version is not the stable one any more. */
  async function runStable(signal: AbortSignal): Promise<void> {
    const subscription = await bus.consume(topic.name, consumer, {
      message: receive,
      beacon: (beacon) => {
        learnHead(beacon.epoch, beacon.head);
        if (watermark !== undefined && beacon.head > watermark.seq) bell.ring();
      },
    });
    let failures = 0;
    while (!signal.aborted && lane() === 'stable') {
      try {
        const pauseMs = await turn(signal);
        failures = 0;
        if (pauseMs > 0) await bell.wait(pauseMs, signal);
      } catch (error) {
        watermark = undefined;
        if (!(error instanceof LostPlace)) log.warn('a batch could not be applied; trying again', { ...labels, error });
        await clock.sleep(Math.min(RETRY_MS.max, RETRY_MS.first * 2 ** failures++), signal);
      }
    }
    await subscription.stop();
    if (watermark !== undefined) {
      await leaseWatermark(db, consumer, topic.name, { owner: instance, seconds: 0 }).catch(() => {});
    }
    watermark = undefined;
    queue.clear();
  }
}
