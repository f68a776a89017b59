// Applies a batch of a topic's records inside one transaction: decode, hand to the consumer's functions, park what
// cannot be handled, move the watermark. Knows nothing of brokers, leases or retries.
import { fromBinary } from '@bufbuild/protobuf';
import type { Tx } from '../postgres/database.ts';
import type { ConsumerDefinition, Handler } from './consumer.ts';
import type { Received, TopicRecord } from './envelope.ts';
import type { Parking } from './inbox.ts';
import { inRounds } from './rounds.ts';

/** Decodes a record; throws when its type is unknown to the topic or its payload is not of that type. */
export function decodeRecord<Context>(definition: ConsumerDefinition<Context>, record: TopicRecord) {
  const type = definition.topic.types.get(record.type);
  if (type === undefined) throw new Error(`unknown message type ${record.type} on ${definition.topic.name}`);
  return {
    message: fromBinary(type.schema, record.payload),
    eventId: record.eventId,
    sequence: record.sequence,
    aggregateId: record.aggregateId,
    aggregateVersion: record.aggregateVersion,
    occurredAt: record.occurredAt,
    cause: { traceparent: record.traceparent, causationId: record.eventId },
  } as Received<never>;
}

export interface Sorted {
  readonly good: readonly TopicRecord[];
  readonly parked: readonly Parking[];
}

/** Sets aside records that cannot be read and those behind them: later records of an aggregate wait for earlier ones. */
export function setAside<Context>(
  definition: ConsumerDefinition<Context>,
  records: readonly TopicRecord[],
  blocked: ReadonlySet<string>,
  failed: ReadonlyMap<bigint, { readonly error: string; readonly attempts: number }>,
): Sorted {
  const waiting = new Set(blocked);
  const good: TopicRecord[] = [];
  const parked: Parking[] = [];
  for (const record of records) {
    const failure = failed.get(record.sequence);
    const error = waiting.has(record.aggregateId)
      ? 'waits behind an earlier parked message of the same aggregate'
      : (failure?.error ?? unreadable(definition, record));
    if (error === undefined) good.push(record);
    else {
      waiting.add(record.aggregateId);
      parked.push({ record, error, attempts: failure?.attempts ?? 0 });
    }
  }
  return { good, parked };
}

function unreadable<Context>(definition: ConsumerDefinition<Context>, record: TopicRecord): string | undefined {
  const type = definition.topic.types.get(record.type);
  if (type !== undefined && !definition.on.some(({ schema }) => schema === type.schema)) return undefined;
  try {
    decodeRecord(definition, record);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Runs the consumer's functions over the records, in rounds. */
export async function handleRecords<Context>(
  tx: Tx,
  definition: ConsumerDefinition<Context>,
  records: readonly TopicRecord[],
  context: Context,
): Promise<void> {
  const handlers = new Map<string, Handler<Context>>(definition.on.map((h) => [h.schema.typeName, h]));
  const wanted = records.filter((record) => handlers.has(record.type));
  for (const part of inRounds(wanted)) {
    const handler = handlers.get(part.type) as Handler<Context>;
    await handler.handle(
      tx,
      part.records.map((record) => decodeRecord(definition, record)),
      context,
    );
  }
}
