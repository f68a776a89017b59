// A consumer's messages on their way through a canary (docs/decisions/0010-canary.md). The stable version reads the
// topic, moves the watermark and hands the canary's share over in that transaction; the canary applies it from the table,
// each message in the transaction that deletes it. What the canary cannot handle, and all of it when the canary falls
// silent or is rolled back, the stable version applies from the same table, under the same lock.
import type { Tx } from '../postgres/database.ts';
import { isTooSlow } from '../postgres/passing.ts';
import { handleRecords, NO_SHARE, sortRecords } from './apply.ts';
import { type Attempts, createAttempts, handling, RejectedError } from './attempts.ts';
import type { TopicRecord } from './envelope.ts';
import {
  deleteHanded,
  hasHanded,
  leaseLane,
  lockLane,
  returnHanded,
  type Taker,
  takeHanded,
  tryLane,
} from './handed.ts';
import { blockedAggregates, holdsWatermark, parkRecords } from './inbox.ts';
import type { InboxWorkerOptions } from './inbox-options.ts';
import { laneOf, readCanary } from './lane.ts';

const LEASE_SECONDS = 6;
const RENEW_MS = 2000;
const STANDBY_MS = 1000;
/** The canary looks for what was handed to it: often while something comes, less often while nothing does. */
const LOOK_MS = { first: 20, max: 160 };
const RETRY_MS = { first: 50, max: 2000 };
/** The stable version is there to take it back: no reason to insist. */
const CANARY_TRIES = 2;

type Options<Context> = InboxWorkerOptions<Context>;

const NOTHING: { readonly records: readonly TopicRecord[]; readonly good: readonly TopicRecord[] } = {
  records: [],
  good: [],
};

/** What one transaction takes, applied; it is over once that is. */
async function takeOnce<Context>(
  options: Options<Context>,
  taker: (tx: Tx) => Promise<Taker | undefined>,
  attempts: Attempts,
): Promise<number> {
  const { definition, context, db, metrics, failpoints } = options;
  const { name: consumer, topic } = definition;
  const { records, good } = await handling(db, async (tx, blame) => {
    const who = await taker(tx);
    if (who === undefined) return NOTHING;
    const records = await takeHanded(tx, consumer, topic.name, who, attempts.limit());
    if (records.length === 0) return NOTHING;
    const blocked = who === 'canary' ? new Set<string>() : await blockedAggregates(tx, consumer, topic.name);
    const sorting = { blocked, failed: attempts.failed(), share: NO_SHARE };
    const { good, wanted, parked } = sortRecords(definition, records, sorting);
    if (parked.length > 0 && who !== 'canary') await parkRecords(tx, consumer, topic.name, parked);
    blame(records);
    // It parks nothing: what it cannot read the stable version may.
    if (parked[0] !== undefined && who === 'canary') throw new Error(parked[0].error);
    await handleRecords(tx, definition, wanted, context);
    await deleteHanded(tx, consumer, topic.name, records);
    await failpoints.hit('canary.before_commit');
    return { records, good };
  });
  const labels = { consumer, topic: topic.name };
  if (good.length > 0) metrics.count('inbox_applied_total', 'Messages applied', labels, good.length);
  attempts.succeeded(records);
  return records.length;
}

/** Takes what there is for this taker; how much. Stops between two transactions once the caller's lease is to be renewed. */
export type Taking = (signal: AbortSignal, isLeaseDue: () => boolean) => Promise<number>;

/** A message that fails is tried alone; `giveUp` is told of each that was tried often enough. */
function createTaking<Context>(
  options: Options<Context>,
  attemptsMax: number,
  taker: (tx: Tx) => Promise<Taker | undefined>,
  giveUp: (record: TopicRecord, error: string) => Promise<void>,
): Taking {
  const { definition, clock, log } = options;
  const { name: consumer, topic, batchMax = 256 } = definition;
  const attempts = createAttempts({ batchMax, attemptsMax });

  async function learn({ records, cause, message }: RejectedError): Promise<void> {
    const attempt = attempts.rejected(records, cause)?.attempts;
    if (attempt === undefined) return;
    const record = records[0] as TopicRecord;
    const { sequence } = record;
    log.warn('a handed message could not be handled', {
      consumer,
      topic: topic.name,
      sequence,
      error: cause,
      attempt,
    });
    if (attempt >= attemptsMax) await giveUp(record, message);
  }

  return async (signal, isLeaseDue) => {
    let sum = 0;
    while (!signal.aborted && !isLeaseDue()) {
      try {
        const count = await takeOnce(options, taker, attempts);
        if (count === 0) return sum;
        sum += count;
      } catch (error) {
        if (isTooSlow(error)) attempts.tooSlow(attempts.limit());
        if (!(error instanceof RejectedError)) throw error;
        await learn(error);
        await clock.sleep(RETRY_MS.first, signal);
      }
    }
    return sum;
  };
}

/** The stable version's part: what the canary may not or does not apply. Run it where the lease on the watermark is held. */
export function createTakeBack<Context>(options: Options<Context>): Taking {
  const { definition, instance, version = '', log, metrics } = options;
  const { name: consumer, topic, attemptsMax = 5 } = definition;
  const taker = async (tx: Tx): Promise<Taker | undefined> => {
    // What is parked here must be known to who applies what comes next: the holder of the watermark, and nobody else.
    if (!(await holdsWatermark(tx, consumer, topic.name, instance))) return undefined;
    // A canary that hangs in a transaction must not hold up everybody else's messages: this is looked at again soon.
    const lane = await tryLane(tx, consumer, topic.name);
    if (lane === undefined) return undefined;
    const canary = await readCanary(tx, version);
    return lane.alive && canary?.state === 'running' ? 'beside canary' : 'alone';
  };
  return createTaking(options, attemptsMax, taker, async (record, error) => {
    log.error('a message was parked', { consumer, topic: topic.name, sequence: record.sequence, reason: error });
    metrics.count('inbox_parked_total', 'Messages parked', { consumer, topic: topic.name });
  });
}

/** The canary's part: runs while this version is the canary. */
export async function runCanaryLane<Context>(options: Options<Context>, signal: AbortSignal): Promise<void> {
  const { definition, db, instance, version = '', clock, log, metrics, lane } = options;
  const { name: consumer, topic } = definition;
  const owner = `canary ${instance}`;
  const taker = async (tx: Tx): Promise<Taker | undefined> => {
    const locked = await lockLane(tx, consumer, topic.name);
    const canary = await readCanary(tx, version);
    // It may have been replaced since it looked last.
    return locked?.owner === owner && laneOf(version, canary) === 'canary' ? 'canary' : undefined;
  };
  const take = createTaking(options, CANARY_TRIES, taker, async (record, error) => {
    await returnHanded(db, consumer, topic.name, record.sequence, error);
    metrics.count('canary_returned_total', 'Messages that the canary could not handle', {
      consumer,
      topic: topic.name,
    });
  });
  let leasedAt = Number.NEGATIVE_INFINITY;
  let pauseMs = LOOK_MS.first;
  let failures = 0;
  const isLeaseDue = () => clock.monotonicMs() - leasedAt > RENEW_MS;
  while (!signal.aborted && lane?.() === 'canary') {
    try {
      if (isLeaseDue()) {
        leasedAt = clock.monotonicMs();
        if (!(await leaseLane(db, consumer, topic.name, { owner, seconds: LEASE_SECONDS }))) {
          leasedAt = Number.NEGATIVE_INFINITY;
          await clock.sleep(STANDBY_MS, signal);
          continue;
        }
      }
      const some = (await hasHanded(db, consumer, topic.name)) && (await take(signal, isLeaseDue)) > 0;
      failures = 0;
      pauseMs = some ? LOOK_MS.first : Math.min(LOOK_MS.max, 2 * pauseMs);
      await clock.sleep(pauseMs, signal);
    } catch (error) {
      log.warn('what was handed to the canary could not be applied; trying again', { consumer, error });
      await clock.sleep(Math.min(RETRY_MS.max, RETRY_MS.first * 2 ** failures++), signal);
    }
  }
  // A clean end: the stable version need not wait for the lease.
  if (leasedAt > 0) await leaseLane(db, consumer, topic.name, { owner, seconds: 0 }).catch(() => {});
}
