// How events look on NATS: names, CloudEvents in binary mode, and what of it can be believed.
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { CANARY } from '../rpc/headers.ts';
import type { Beacon } from './bus.ts';
import type { TopicRecord } from './envelope.ts';

/** "orders.events" travels on this subject; streams and permissions are named after it. */
export const subjectOf = (topic: string) => `stoa.${topic}`;
export const beaconSubjectOf = (topic: string) => `stoa-head.${topic}`;
export const streamOf = (topic: string) => topic.replaceAll(/[.-]/g, '_').toUpperCase();
export const durableOf = (consumer: string) => consumer.replaceAll('.', '--');

export function encodeHeaders(topic: string, epoch: number, record: TopicRecord): MsgHdrs {
  const h = headers();
  // The broker stores an id once, and nothing into a stream that is not the topic's.
  h.append('Nats-Msg-Id', record.eventId);
  h.append('Nats-Expected-Stream', streamOf(topic));
  h.append('ce-specversion', '1.0');
  h.append('ce-id', record.eventId);
  h.append('ce-type', record.type);
  h.append('ce-source', `/stoa/${topic}`);
  h.append('ce-time', record.occurredAt.toISOString());
  h.append('ce-subject', record.aggregateId);
  h.append('stoa-epoch', String(epoch));
  h.append('stoa-seq', String(record.sequence));
  h.append('stoa-version', String(record.aggregateVersion));
  if (record.causationId !== '') h.append('stoa-causation', record.causationId);
  if (record.traceparent !== '') h.append('traceparent', record.traceparent);
  if (record.canary !== '') h.append(CANARY, record.canary);
  return h;
}

interface WireMessage {
  readonly headers?: MsgHdrs | undefined;
  readonly data: Uint8Array;
}

const NUMBER = /^\d{1,18}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Reads a message; undefined when it is not one of ours (an operator's stray publish). Whatever is read can be stored:
 * should one of ours be spoilt, its number is missing and comes from the producer as it was.
 */
export function decode(message: WireMessage): { epoch: number; record: TopicRecord } | undefined {
  if (message.headers === undefined) return undefined;
  // The client's own look-up by name goes through all of them each time.
  const h = new Map<string, string>();
  for (const [name, [first = '']] of message.headers) h.set(name, first);
  const get = (name: string) => h.get(name) ?? '';
  const [sequence, epoch] = [get('stoa-seq'), get('stoa-epoch')];
  const [eventId, causationId] = [get('ce-id'), get('stoa-causation')];
  const version = get('stoa-version') || '0';
  const occurredAt = new Date(get('ce-time'));
  if (![sequence, epoch, version].every((text) => NUMBER.test(text))) return undefined;
  if (!UUID.test(eventId) || (causationId !== '' && !UUID.test(causationId))) return undefined;
  if (Number.isNaN(occurredAt.getTime())) return undefined;
  const record = {
    sequence: BigInt(sequence),
    eventId,
    type: get('ce-type'),
    aggregateId: get('ce-subject'),
    aggregateVersion: BigInt(version),
    payload: message.data,
    occurredAt,
    traceparent: get('traceparent'),
    causationId,
    canary: get(CANARY),
  };
  return { epoch: Number(epoch), record };
}

/** Reads how far a topic is; undefined when that is not what it says. */
export function decodeBeacon(text: string): Beacon | undefined {
  const [epoch = '', head = ''] = text.split(' ');
  return NUMBER.test(epoch) && NUMBER.test(head) ? { epoch: Number(epoch), head: BigInt(head) } : undefined;
}

export const encodeBeacon = ({ epoch, head }: Beacon) => `${epoch} ${head}`;
