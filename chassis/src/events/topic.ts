// Topics and the event policy of messages, read from the contract's options.
// A topic is the unit of numbering and of subscription; its name is "<owning service>.<name>".
import { type DescField, type DescFile, type DescMessage, getOption, hasOption } from '@bufbuild/protobuf';
import { event as eventOption } from '@stoa/proto/stoa/policy/v1/policy_pb';

export interface EventType {
  readonly schema: DescMessage;
  readonly topic: string;
  /** The field that holds the aggregate's id. */
  readonly key: DescField;
  /** The field that holds the aggregate's version; undefined on commands and replies. */
  readonly version: DescField | undefined;
}

export interface Topic {
  readonly name: string;
  /** The service that publishes it: the name's first part. */
  readonly owner: string;
  /** Every message type that may travel on it, by full protobuf name. */
  readonly types: ReadonlyMap<string, EventType>;
}

const eventTypes = new WeakMap<DescMessage, EventType>();

/** The event policy of a message; throws when the contract gives it none, or one that names no existing field. */
export function eventTypeOf(schema: DescMessage): EventType {
  let known = eventTypes.get(schema);
  if (known === undefined) {
    known = readEventType(schema);
    eventTypes.set(schema, known);
  }
  return known;
}

function readEventType(schema: DescMessage): EventType {
  if (!hasOption(schema, eventOption)) throw new Error(`${schema.typeName} has no (stoa.policy.v1.event) option`);
  const policy = getOption(schema, eventOption);
  const field = (name: string) => {
    const found = schema.fields.find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(`${schema.typeName}: its event policy names no such field: ${name}`);
    return found;
  };
  return {
    schema,
    topic: policy.topic,
    key: field(policy.key),
    version: policy.version === '' ? undefined : field(policy.version),
  };
}

/** The topic as the given contract files define it; throws when no message of theirs belongs to it. */
export function topic(name: string, ...files: DescFile[]): Topic {
  const types = new Map<string, EventType>();
  for (const schema of files.flatMap((file) => file.messages)) {
    if (!hasOption(schema, eventOption)) continue;
    const type = eventTypeOf(schema);
    if (type.topic === name) types.set(schema.typeName, type);
  }
  if (types.size === 0) throw new Error(`no message of ${files.map((f) => f.name).join(', ')} travels on ${name}`);
  const owner = name.slice(0, name.indexOf('.'));
  return { name, owner, types };
}
