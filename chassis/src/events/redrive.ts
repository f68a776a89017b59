// Parked messages for which an operator asked for another try: handled in their aggregate's order, each in a
// transaction of its own. Messages that were parked only because they stood behind another one follow by themselves
// once nothing is left in front of them, whether that was redriven or dropped.
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import { decodeRecord, handleRecords } from './apply.ts';
import type { TopicRecord } from './envelope.ts';
import { blockedAggregates, nextRedrive, redriveFailed, resolveParked } from './inbox.ts';
import type { InboxWorkerOptions } from './inbox-worker.ts';
import { isTransient } from './transient.ts';

/** Handles what is due and returns the aggregates that are still blocked. */
export async function redriveParked<Context>(
  { definition, context, db, log }: InboxWorkerOptions<Context>,
  blocked: Set<string>,
  signal: AbortSignal,
): Promise<Set<string>> {
  const { name: consumer, topic } = definition;
  while (!signal.aborted) {
    let record: TopicRecord | undefined;
    try {
      await db.transact(async (tx) => {
        await releaseWaiting(tx, consumer, topic.name);
        record = await nextRedrive(tx, consumer, topic.name);
        if (record === undefined) return;
        // A type that is unknown still would be passed over below, and so lost.
        decodeRecord(definition, record);
        await handleRecords(tx, definition, [record], context);
        await resolveParked(tx, consumer, topic.name, record.sequence);
      });
    } catch (error) {
      // Says nothing about the message: the worker tries again, the operator is not asked.
      if (isTransient(error)) throw error;
      if (record === undefined) return blocked;
      log.warn('a parked message failed again', { consumer, sequence: record.sequence, error });
      await redriveFailed(db, consumer, topic.name, record.sequence, String((error as Error).message));
    }
    if (record === undefined) break;
  }
  return blockedAggregates(db, consumer, topic.name);
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
