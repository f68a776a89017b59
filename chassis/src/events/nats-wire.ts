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
  h.set('Nats-Msg-Id', record.eventId);
  h.set('Nats-Expected-Stream', streamOf(topic));
  h.set('ce-specversion', '1.0');
  h.set('ce-id', record.eventId);
  h.set('ce-type', record.type);
  h.set('ce-source', `/stoa/${topic}`);
  h.set('ce-time', record.occurredAt.toISOString());
  h.set('ce-subject', record.aggregateId);
  h.set('stoa-epoch', String(epoch));
  h.set('stoa-seq', String(record.sequence));
  h.set('stoa-version', String(record.aggregateVersion));
  if (record.causationId !== '') h.set('stoa-causation', record.causationId);
  if (record.traceparent !== '') h.set('traceparent', record.traceparent);
  if (record.canary !== '') h.set(CANARY, record.canary);
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
  const h = message.headers;
  if (h === undefined) return undefined;
  const [sequence, epoch] = [h.get('stoa-seq'), h.get('stoa-epoch')];
  const [eventId, causationId] = [h.get('ce-id'), h.get('stoa-causation')];
  const version = h.get('stoa-version') || '0';
  const occurredAt = new Date(h.get('ce-time'));
  if (![sequence, epoch, version].every((text) => NUMBER.test(text))) return undefined;
  if (!UUID.test(eventId) || (causationId !== '' && !UUID.test(causationId))) return undefined;
  if (Number.isNaN(occurredAt.getTime())) return undefined;
  const record = {
    sequence: BigInt(sequence),
    eventId,
    type: h.get('ce-type'),
    aggregateId: h.get('ce-subject'),
    aggregateVersion: BigInt(version),
    payload: message.data,
    occurredAt,
    traceparent: h.get('traceparent'),
    causationId,
    canary: h.get(CANARY),
  };
  return { epoch: Number(epoch), record };
}

/** Reads how far a topic is; undefined when that is not what it says. */
export function decodeBeacon(text: string): Beacon | undefined {
  const [epoch = '', head = ''] = text.split(' ');
  return NUMBER.test(epoch) && NUMBER.test(head) ? { epoch: Number(epoch), head: BigInt(head) } : undefined;
}

export const encodeBeacon = ({ epoch, head }: Beacon) => `${epoch} ${head}`;
