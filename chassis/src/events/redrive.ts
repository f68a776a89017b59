// Parked messages for which an operator asked for another try: handled in their aggregate's order, each in a
// transaction of its own.
import { handleRecords } from './apply.ts';
import type { TopicRecord } from './envelope.ts';
import { blockedAggregates, nextRedrive, redriveFailed, resolveParked } from './inbox.ts';
import type { InboxWorkerOptions } from './inbox-worker.ts';

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
        record = await nextRedrive(tx, consumer, topic.name);
        if (record === undefined) return;
        await handleRecords(tx, definition, [record], context);
        await resolveParked(tx, consumer, topic.name, record.sequence);
      });
    } catch (error) {
      if (record === undefined) return blocked;
      log.warn('a parked message failed again', { consumer, sequence: record.sequence, error });
      await redriveFailed(db, consumer, topic.name, record.sequence, String((error as Error).message));
    }
    if (record === undefined) break;
  }
  return blockedAggregates(db, consumer, topic.name);
}
