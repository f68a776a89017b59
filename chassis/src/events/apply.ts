// Applies a batch of a topic's records inside one transaction: decode, hand to the consumer's functions, park what
// cannot be handled, move the watermark. Knows nothing of brokers, leases or retries.
import { fromBinary } from '@bufbuild/protobuf';
import type { Tx } from '../postgres/database.ts';
import { errorText } from '../postgres/error-text.ts';
import { isPinned } from '../rpc/canary.ts';
import type { Failure } from './attempts.ts';
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

/** A record of a type that the consumer handles, decoded. */
export interface Wanted {
  readonly type: string;
  readonly aggregateId: string;
  readonly received: Received<never>;
}

/** The record for its handler; undefined when the consumer passes its type over. Throws when it cannot be read. */
export function wantedOf<Context>(definition: ConsumerDefinition<Context>, record: TopicRecord): Wanted | undefined {
  const { type, aggregateId } = record;
  const isHandled = definition.on.some(({ schema }) => schema.typeName === type);
  if (!isHandled && definition.topic.types.has(type)) return undefined;
  return { type, aggregateId, received: decodeRecord(definition, record) };
}

export interface Sorted {
  /** What is applied now; also what the consumer passes over. */
  readonly good: readonly TopicRecord[];
  /** Those of them that it handles. */
  readonly wanted: readonly Wanted[];
  readonly parked: readonly Parking[];
  /** The canary's. */
  readonly handed: readonly TopicRecord[];
}

export interface Sorting {
  /** Aggregates with an open parked message. */
  readonly blocked: ReadonlySet<string>;
  /** What was tried often enough, by event id. */
  readonly failed: ReadonlyMap<string, Failure>;
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
  const good: TopicRecord[] = [];
  const wanted: Wanted[] = [];
  const parked: Parking[] = [];
  const handed: TopicRecord[] = [];
  const isCanarys = ({ aggregateId, canary }: TopicRecord) =>
    share.percent !== null &&
    share.handedCount + handed.length < HANDED_MAX &&
    (isPinned(canary, service) || isShared(aggregateId, share.percent));
  const park = (record: TopicRecord, error: string, attempts: number) => {
    waiting.add(record.aggregateId);
    parked.push({ record, error, attempts });
  };
  for (const record of records) {
    const { aggregateId, eventId } = record;
    const isBehind = waiting.has(aggregateId);
    if (away.has(aggregateId) || (!isBehind && isCanarys(record))) {
      away.add(aggregateId);
      handed.push(record);
      continue;
    }
    const failure = failed.get(eventId);
    if (isBehind) park(record, BEHIND, failure?.attempts ?? 0);
    else if (failure !== undefined) park(record, failure.error, failure.attempts);
    else {
      try {
        const handled = wantedOf(definition, record);
        if (handled !== undefined) wanted.push(handled);
        good.push(record);
      } catch (error) {
        park(record, errorText(error), 0);
      }
    }
  }
  return { good, wanted, parked, handed };
}

/** The words are what redrive.ts finds them by. */
const BEHIND = 'waits behind an earlier parked message of the same aggregate';

/** Runs the consumer's functions over the records that it handles, in rounds. */
export async function handleRecords<Context>(
  tx: Tx,
  definition: ConsumerDefinition<Context>,
  wanted: readonly Wanted[],
  context: Context,
): Promise<void> {
  const handlers = new Map<string, Handler<Context>>(definition.on.map((h) => [h.schema.typeName, h]));
  for (const { type, records } of inRounds(wanted)) {
    const { handle } = handlers.get(type) as Handler<Context>;
    const batch = records.map(({ received }) => received);
    await handle(tx, batch, context);
  }
}
