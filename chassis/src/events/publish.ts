// Publishing: the event joins the transaction and is written to the outbox just before its commit.
import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { Tx } from '../postgres/database.ts';
import type { Ids } from '../runtime.ts';
import type { Cause } from './envelope.ts';
import { eventTypeOf } from './topic.ts';

export type Publish = <Desc extends DescMessage>(
  tx: Tx,
  schema: Desc,
  init: MessageInitShape<Desc>,
  cause?: Cause,
) => string;

/** What the broker and an answer of Replay take without trouble. An event says what happened; it is no file. */
const PAYLOAD_MAX = 512 * 1024;

/**
 * Makes `publish`: `publish(tx, OrderPlacedSchema, { orderId, … })` adds the event to the transaction's outbox and
 * returns its id. Topic, aggregate key and version come from the message's contract options. Throws when the key
 * or a version is missing: an event without them could be neither ordered nor found; and when the message is larger than
 * 512 KiB: it would hold up its topic for ever. With `topics` given it also throws for a message of another topic: nobody
 * would number it here.
 */
export function createPublish(ids: Ids, topics?: ReadonlySet<string>): Publish {
  return (tx, schema, init, cause = tx.cause) => {
    const type = eventTypeOf(schema);
    if (topics?.has(type.topic) === false)
      throw new Error(`${schema.typeName}: this service does not publish ${type.topic}`);
    const message = create(schema, init) as unknown as Record<string, unknown>;
    const aggregateId = message[type.key.localName] as string;
    if (!aggregateId) throw new Error(`${schema.typeName} was published without ${type.key.name}`);
    const version = type.version === undefined ? null : (message[type.version.localName] as bigint);
    if (version === 0n) throw new Error(`${schema.typeName} was published without ${type.version?.name}`);
    const eventId = ids.uuid();
    const payload = toBinary(schema, message as never);
    if (payload.length > PAYLOAD_MAX) throw new Error(`${schema.typeName} is too large: ${payload.length} bytes`);
    tx.outbox.push({
      eventId,
      topic: type.topic,
      type: schema.typeName,
      aggregateId,
      aggregateVersion: version,
      payload,
      cause,
    });
    return eventId;
  };
}
