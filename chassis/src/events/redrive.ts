// Parked messages for which an operator asked for another try: handled in their aggregate's order, each in a
// transaction of its own. Messages that were parked only because they stood behind another one follow by themselves
// once nothing is left in front of them, whether that was redriven or dropped.
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import { handleRecords, NO_SHARE, sortRecords } from './apply.ts';
import { handling, RejectedError } from './attempts.ts';
import { blockedAggregates, nextRedrive, redriveFailed, resolveParked } from './inbox.ts';
import type { InboxWorkerOptions } from './inbox-options.ts';

const ALONE = { blocked: new Set<string>(), failed: new Map(), share: NO_SHARE };

/** Handles what is due and returns the aggregates that are still blocked. */
export async function redriveParked<Context>(
  options: InboxWorkerOptions<Context>,
  signal: AbortSignal,
): Promise<Set<string>> {
  const { definition, db, log } = options;
  const { name: consumer, topic } = definition;
  for (let hasMore = true; hasMore && !signal.aborted; ) {
    try {
      hasMore = await redriveNext(options);
    } catch (error) {
      // Says nothing about the message, unless it was rejected: the worker tries again, the operator is not asked.
      if (!(error instanceof RejectedError)) throw error;
      const { sequence } = error.records[0] as (typeof error.records)[0];
      log.warn('a parked message failed again', { consumer, sequence, error: error.cause });
      await redriveFailed(db, consumer, topic.name, sequence, error.message);
    }
  }
  return blockedAggregates(db, consumer, topic.name);
}

/** Handles one of them; false when none is due. */
function redriveNext<Context>({ definition, context, db }: InboxWorkerOptions<Context>): Promise<boolean> {
  const { name: consumer, topic } = definition;
  return handling(db, async (tx, blame) => {
    await releaseWaiting(tx, consumer, topic.name);
    const record = await nextRedrive(tx, consumer, topic.name);
    if (record === undefined) return false;
    const { wanted, parked } = sortRecords(definition, [record], ALONE);
    blame([record]);
    if (parked[0] !== undefined) throw new Error(parked[0].error);
    await handleRecords(tx, definition, wanted, context);
    await resolveParked(tx, consumer, topic.name, record.sequence);
    return true;
  });
}

/** Lets the oldest open message of an aggregate go on when it never failed itself. Its error says so: see apply.ts. */
async function releaseWaiting(tx: Queryable, consumer: string, topic: string): Promise<void> {
  await tx.run(sql`
    update parked_event p set redrive_at = now()
    where consumer = ${consumer} and topic = ${topic} and resolved_at is null and redrive_at is null
      and attempts = 0 and error like 'waits behind %'
      and not exists (
        select from parked_event earlier
        where earlier.consumer = p.consumer and earlier.topic = p.topic and earlier.aggregate_id = p.aggregate_id
          and earlier.resolved_at is null and earlier.seq < p.seq)`);
}
