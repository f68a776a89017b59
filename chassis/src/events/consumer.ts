// Declaring a consumer: one declaration, one function for each message type it cares about.
import type { DescMessage } from '@bufbuild/protobuf';
import type { Tx } from '../postgres/database.ts';
import type { Received } from './envelope.ts';
import type { Topic } from './topic.ts';

/**
 * Handles messages of one type inside the consumer's transaction. The chassis guarantees: at most one message of any
 * aggregate in `batch`, all in topic order, and earlier messages of each aggregate handled before. So a handler may
 * treat the whole batch with set-based SQL (`unnest`). Everything it writes, publishes included, commits together
 * with the consumer's watermark, hence exactly once. It must not call other services or wait for anything else.
 */
export type BatchHandler<Desc extends DescMessage, Context> = (
  tx: Tx,
  batch: readonly Received<Desc>[],
  context: Context,
) => Promise<void>;

export interface Handler<Context> {
  readonly schema: DescMessage;
  readonly handle: BatchHandler<DescMessage, Context>;
}

/** Binds a message type to the function that handles it. */
export function on<Desc extends DescMessage, Context>(
  schema: Desc,
  handle: BatchHandler<Desc, Context>,
): Handler<Context> {
  return { schema, handle: handle as unknown as BatchHandler<DescMessage, Context> };
}

export interface ConsumerDefinition<Context> {
  /** "<service>.<purpose>": the durable's name and the key of the watermark. Never rename it: it would start anew. */
  readonly name: string;
  readonly topic: Topic;
  /** Types of the topic that are not listed are passed over; types that the topic does not know are parked. */
  readonly on: readonly Handler<Context>[];
  /** @default 256 */
  readonly batchMax?: number;
  /** Deliveries of a message that fails before it is parked. @default 5 */
  readonly attemptsMax?: number;
  /**
   * For consumers that nobody waits for: their batches begin at least so many milliseconds apart, so that under load
   * they are fewer and larger. A full batch, and what comes after a pause, is applied at once. @default 0
   */
  readonly paceMs?: number;
}

/** Declares a consumer; throws when a handler's type does not travel on the topic. */
export function consumer<Context>(definition: ConsumerDefinition<Context>): ConsumerDefinition<Context> {
  for (const { schema } of definition.on) {
    if (!definition.topic.types.has(schema.typeName)) {
      throw new Error(`${definition.name}: ${schema.typeName} does not travel on ${definition.topic.name}`);
    }
  }
  return definition;
}
