// A message that a consumer keeps in a table of its own (parked, or handed to a canary), read back as it was received.
import type { TopicRecord } from './envelope.ts';

/** The columns of such a table that hold the message. */
export interface StoredRecord {
  seq: bigint;
  event_id: string;
  type: string;
  aggregate_id: string;
  aggregate_version: bigint;
  payload: Buffer;
  traceparent: string;
  causation_id: string;
  canary: string;
  occurred_at: Date;
}

export const readStored = (row: StoredRecord): TopicRecord => ({
  sequence: row.seq,
  eventId: row.event_id,
  type: row.type,
  aggregateId: row.aggregate_id,
  aggregateVersion: row.aggregate_version,
  payload: row.payload,
  occurredAt: row.occurred_at,
  traceparent: row.traceparent,
  causationId: row.causation_id,
  canary: row.canary,
});
