// Applies a batch of a topic's records inside one transaction: decode, hand to the consumer's functions, park what
// cannot be handled, move the watermark. Knows nothing of brokers, leases or retries.
import { fromBinary } from '@bufbuild/protobuf';
import type { Tx } from '../postgres/database.ts';
import { isPinned } from '../rpc/canary.ts';
import type { ConsumerDefinition, Handler } from './consumer.ts';
import type { Received, TopicRecord } from './envelope.ts';
import type { Parking, Share } from './inbox.ts';
import { inRounds } from './rounds.ts';
import { isShared } from './share.ts';

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
    cause: { traceparent: record.traceparent, causationId: record.eventId, canary: record.canary },
  } as Received<never>;
}

export interface Sorted {
  readonly good: readonly TopicRecord[];
  readonly parked: readonly Parking[];
  /** The canary's. */
  readonly handed: readonly TopicRecord[];
}

export interface Sorting {
  /** Aggregates with an open parked message. */
  readonly blocked: ReadonlySet<string>;
  /** What was tried often enough, by sequence. */
  readonly failed: ReadonlyMap<bigint, { readonly error: string; readonly attempts: number }>;
  readonly share: Share;
}

export const NO_SHARE: Share = { percent: null, handed: new Set(), handedCount: 0 };

/** So many messages may wait for a canary. Beyond, no further aggregate is handed to it: it is slower than its share. */
export const HANDED_MAX = 1000;

/**
 * Sorts a batch: what the canary handles, what cannot be read, what stands behind either, and the rest. Later records of
 * an aggregate never overtake earlier ones, so they follow them to the canary or into parking.
 */
export function sortRecords<Context>(
  definition: ConsumerDefinition<Context>,
  records: readonly TopicRecord[],
  { blocked, failed, share }: Sorting,
): Sorted {
  const service = definition.name.slice(0, definition.name.indexOf('.'));
  const waiting = new Set(blocked);
  const away = new Set(share.handed);
  const sorted = { good: [] as TopicRecord[], parked: [] as Parking[], handed: [] as TopicRecord[] };
  const isCanarys = ({ aggregateId, canary }: TopicRecord) =>
    share.percent !== null &&
    share.handedCount + sorted.handed.length < HANDED_MAX &&
    (isPinned(canary, service) || isShared(aggregateId, share.percent));
  for (const record of records) {
    const { aggregateId, sequence } = record;
    const isBehind = waiting.has(aggregateId);
    if (away.has(aggregateId) || (!isBehind && isCanarys(record))) {
      away.add(aggregateId);
      sorted.handed.push(record);
      continue;
    }
    const failure = failed.get(sequence);
    const error = isBehind ? BEHIND : (failure?.error ?? unreadable(definition, record));
    if (error === undefined) sorted.good.push(record);
    else {
      waiting.add(aggregateId);
      sorted.parked.push({ record, error, attempts: failure?.attempts ?? 0 });
    }
  }
  return sorted;
}

/** The words are what redrive.ts finds them by. */
const BEHIND = 'waits behind an earlier parked message of the same aggregate';

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
