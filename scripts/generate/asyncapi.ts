// docs/generated/asyncapi.yaml: every event and command that travels between services, as AsyncAPI 3.0 with examples.
import type { DescMessage } from '@bufbuild/protobuf';
import { streamOf, subjectOf } from '@stoa/chassis/events/nats-wire';
import { eventTypeOf } from '@stoa/chassis/events/topic';
import { closure, exampleOf, jsonSchema } from './json-schema.ts';
import { type Artefact, dataFile } from './manifests.ts';
import type { Model, ServiceModel, TopicModel } from './model.ts';

const DESCRIPTION = `Events are facts in the past tense; commands ask one service for something. Both are written in the
transaction that causes them (outbox), numbered densely for each topic, and delivered at least once, in order for each
key. A gap in the numbers is filled by asking the producer (EventLogService), so the broker may forget.`;

const WHY = 'AsyncAPI 3.0. Payloads travel as protobuf; schemas and examples show their JSON form (ProtoJSON).';

export function asyncApi(model: Model): Artefact {
  const messages = model.topics.flatMap((topic) => topic.messages.map((message) => ({ topic, message })));
  const schemas = new Map<string, DescMessage>();
  for (const { message } of messages) closure(message, schemas);
  return dataFile('docs/generated/asyncapi.yaml', WHY, {
    asyncapi: '3.0.0',
    info: { title: 'Stoa events and commands', version: '1.0.0', description: DESCRIPTION },
    defaultContentType: 'application/protobuf',
    servers: {
      nats: { host: 'nats:4222', protocol: 'nats', description: 'NATS with JetStream, in the cluster' },
    },
    channels: Object.fromEntries(model.topics.map((topic) => [topic.name, channel(topic)])),
    operations: operations(model),
    components: {
      messages: Object.fromEntries(messages.map(({ topic, message }) => [message.typeName, describe(topic, message)])),
      schemas: {
        ...Object.fromEntries(
          [...schemas].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, message]) => [name, jsonSchema(message)]),
        ),
        Headers: HEADERS,
      },
    },
  });
}

function channel({ name, owner, messages }: TopicModel) {
  return {
    address: subjectOf(name),
    title: name,
    description: `Published by ${owner}. JetStream stream ${streamOf(name)}.`,
    servers: [{ $ref: '#/servers/nats' }],
    messages: Object.fromEntries(
      messages.map(({ name: short, typeName }) => [short, { $ref: `#/components/messages/${typeName}` }]),
    ),
  };
}

function describe({ name }: TopicModel, message: DescMessage) {
  const { key, version } = eventTypeOf(message);
  const versioned = version === undefined ? '' : `; \`${version.name}\` rises by one for each`;
  return {
    name: message.typeName,
    title: message.name,
    contentType: 'application/protobuf',
    description: `Ordered for each \`${key.name}\`${versioned}.`,
    headers: { $ref: '#/components/schemas/Headers' },
    payload: { $ref: `#/components/schemas/${message.typeName}` },
    examples: [{ name: message.name, headers: exampleHeaders(name, message), payload: exampleOf(message) }],
  };
}

/** CloudEvents in binary mode, and ours: chassis/events/nats-wire.ts writes them. */
const HEADERS = {
  type: 'object',
  required: ['ce-specversion', 'ce-id', 'ce-type', 'ce-source', 'ce-time', 'ce-subject', 'stoa-epoch', 'stoa-seq'],
  properties: {
    'ce-specversion': { type: 'string', const: '1.0' },
    'ce-id': { type: 'string', format: 'uuid', description: 'UUIDv7 of the event; also Nats-Msg-Id' },
    'ce-type': { type: 'string', description: 'full protobuf name of the payload' },
    'ce-source': { type: 'string', description: '/stoa/<topic>' },
    'ce-time': { type: 'string', format: 'date-time' },
    'ce-subject': { type: 'string', description: "the aggregate's id" },
    'stoa-epoch': { type: 'string', description: 'rises when a topic is numbered anew' },
    'stoa-seq': { type: 'string', description: 'dense number within topic and epoch' },
    'stoa-version': { type: 'string', description: "the aggregate's version; 0 where there is none" },
    'stoa-causation': { type: 'string', description: 'ce-id of the message that caused this one' },
    traceparent: { type: 'string', description: 'W3C trace context' },
    'x-stoa-canary': { type: 'string', description: "the canary that it is pinned to: a service's name or 'always'" },
  },
};

function exampleHeaders(topic: string, message: DescMessage) {
  const { key, version } = eventTypeOf(message);
  const payload = exampleOf(message) as Record<string, unknown>;
  return {
    'ce-specversion': '1.0',
    'ce-id': '019bc101-3f41-7d20-9c11-5e8a4f0b2d3c',
    'ce-type': message.typeName,
    'ce-source': `/stoa/${topic}`,
    'ce-time': '2026-01-15T10:30:00.000Z',
    'ce-subject': payload[key.jsonName],
    'stoa-epoch': '1',
    'stoa-seq': '42',
    'stoa-version': version === undefined ? '0' : '1',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  };
}

function operations({ services, topics }: Model) {
  const entries = services.flatMap((service) => operationsOf(service, topics));
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function operationsOf({ name, publishes, consumes, live }: ServiceModel, topics: readonly TopicModel[]) {
  const operation = (action: 'send' | 'receive', topicName: string, summary: string): [string, object] => {
    const messages = topics.find((topic) => topic.name === topicName)?.messages ?? [];
    return [
      `${name}.${action}.${topicName}`,
      {
        action,
        summary,
        channel: { $ref: `#/channels/${topicName}` },
        messages: messages.map((message) => ({ $ref: `#/channels/${topicName}/messages/${message.name}` })),
      },
    ];
  };
  return [
    ...publishes.map((topic) => operation('send', topic, `${name} tells ${topic}`)),
    ...consumes.map((consumer) => operation('receive', consumer.topic, `${name} hears it as ${consumer.name}`)),
    ...live.map((topic) => operation('receive', topic, `${name} watches it, without any promise`)),
  ];
}
