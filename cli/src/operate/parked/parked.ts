// What an operator does with parked messages: look, try again, give up.
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { CANARY } from '@stoa/chassis/rpc/headers';
import type { Json } from '@stoa/chassis/saga/define';
import { recordAction, type Warrant } from '../actions.ts';
import type { ShopData } from '../shop-data.ts';
import { consumerNamed, SERVICE_DATABASES } from '../topology.ts';
import {
  findParked,
  lockScope,
  markDropped,
  markRedrive,
  openMessages,
  type ParkedMessage,
  type ParkedSummary,
  type RedriveState,
  redriveState,
  type Scope,
} from './parked-messages.ts';

const POLL_MS = 250;

/** Open messages of every service, or of what is named. */
export async function listParked(
  data: ShopData,
  only: { readonly consumer?: string; readonly aggregateId?: string } = {},
): Promise<ParkedSummary[]> {
  const services = only.consumer === undefined ? SERVICE_DATABASES : [consumerNamed(only.consumer).service];
  const found = services.filter((name) => data.has(name)).map((name) => openMessages(data.at(name), name, only));
  return (await Promise.all(found)).flat();
}

export interface ShownMessage extends Omit<ParkedMessage, 'payload'> {
  readonly service: string;
  /** Empty when the cause carried no trace. */
  readonly traceId: string;
  /** The headers that it travelled with. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined when the topic does not know the type or the bytes are not of it. */
  readonly payload: Json | undefined;
  readonly payloadBase64: string;
}

/** One message with everything that is known of it. */
export async function showParked(data: ShopData, consumer: string, sequence: bigint): Promise<ShownMessage> {
  const { service, topic } = consumerNamed(consumer);
  const found = await findParked(data.at(service), consumer, sequence);
  if (found === undefined) throw new Error(`${consumer} has no parked message ${sequence}`);
  const { payload, ...message } = found;
  return {
    ...message,
    service,
    traceId: found.traceparent.split('-')[1] ?? '',
    headers: headersOf(found),
    payload: decoded(topic.types.get(found.type)?.schema, payload),
    payloadBase64: payload.toString('base64'),
  };
}

function headersOf(message: ParkedMessage): Record<string, string> {
  const headers = {
    'ce-id': message.eventId,
    'ce-type': message.type,
    'ce-source': `/stoa/${message.topic}`,
    'ce-time': message.occurredAt.toISOString(),
    'ce-subject': message.aggregateId,
    'stoa-seq': String(message.sequence),
    'stoa-version': String(message.aggregateVersion),
    'stoa-causation': message.causationId,
    traceparent: message.traceparent,
    [CANARY]: message.canary,
  };
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
}

function decoded(schema: Parameters<typeof toJson>[0] | undefined, payload: Uint8Array): Json | undefined {
  if (schema === undefined) return undefined;
  try {
    return toJson(schema, fromBinary(schema, payload)) as Json;
  } catch {
    return undefined;
  }
}

const targetOf = (scope: Scope) => {
  if ('sequence' in scope) return `${scope.consumer}/${scope.sequence}`;
  return 'aggregateId' in scope ? `${scope.consumer}/${scope.aggregateId}` : scope.consumer;
};

/** Asks for another try of what is in the scope; returns the messages' sequences. */
export async function redrive(data: ShopData, scope: Scope, warrant: Warrant): Promise<bigint[]> {
  const { service } = consumerNamed(scope.consumer);
  return data.at(service).transact(async (tx) => {
    const sequences = sequencesOf(await lockScope(tx, scope), scope);
    await markRedrive(tx, scope.consumer, sequences);
    const details = { sequences: sequences.map(String) };
    await recordAction(tx, data, { ...warrant, action: 'parked.redrive', target: targetOf(scope), details });
    return sequences;
  });
}

/** Gives up what is in the scope: those messages will never be applied. What waits behind them goes on. */
export async function drop(data: ShopData, scope: Exclude<Scope, { all: true }>, warrant: Warrant): Promise<bigint[]> {
  const { service } = consumerNamed(scope.consumer);
  return data.at(service).transact(async (tx) => {
    const sequences = sequencesOf(await lockScope(tx, scope), scope);
    await markDropped(tx, scope.consumer, sequences);
    const details = { sequences: sequences.map(String) };
    await recordAction(tx, data, { ...warrant, action: 'parked.drop', target: targetOf(scope), details });
    return sequences;
  });
}

function sequencesOf(locked: readonly { readonly sequence: bigint }[], scope: Scope): bigint[] {
  if (locked.length === 0) throw new Error(`there is no open parked message ${targetOf(scope)}`);
  return locked.map(({ sequence }) => sequence);
}

/** Waits until every message was tried, or can only wait behind one that failed; at most so long. */
export async function awaitRedrive(
  data: ShopData,
  consumer: string,
  sequences: readonly bigint[],
  seconds: number,
): Promise<RedriveState> {
  const { clock } = data.runtime;
  const db = data.at(consumerNamed(consumer).service);
  const until = clock.monotonicMs() + seconds * 1000;
  for (;;) {
    const state = await redriveState(db, consumer, sequences);
    if (state.pending.length === 0 || clock.monotonicMs() >= until) return state;
    await clock.sleep(POLL_MS);
  }
}
