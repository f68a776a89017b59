// The broker's adapter on a real broker.
import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial } from 'node:net';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import type { Beacon, Bus, BusMessage } from '@stoa/chassis/events/bus';
import type { TopicRecord } from '@stoa/chassis/events/envelope';
import { connectNatsBus } from '@stoa/chassis/events/nats-bus';
import { beaconSubjectOf, streamOf, subjectOf } from '@stoa/chassis/events/nats-wire';
import { createLog, type Log } from '@stoa/chassis/log';
import { systemRuntime } from '@stoa/chassis/runtime';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';

const TOPIC = 'test.bus-events';
const { clock, ids } = systemRuntime();
const silent = createLog('silent');
const patience = { timeout: 10_000, interval: 20 };
let bus: Bus;
let nats: NatsConnection;
beforeEach(async () => {
  nats = await connect({ servers: inject('natsUrl') });
  bus = await connectNatsBus({ url: inject('natsUrl'), name: 'test', log: silent, clock });
  const { streams } = await jetstreamManager(nats);
  await streams.delete(streamOf(TOPIC)).catch(() => {});
  await bus.openStream(TOPIC);
});
afterEach(async () => {
  await bus.close();
  await nats.close();
});

const record = (sequence: bigint): TopicRecord => ({
  sequence,
  eventId: ids.uuid(),
  type: 'test',
  aggregateId: 'one',
  aggregateVersion: 1n,
  payload: Buffer.from('payload'),
  occurredAt: new Date(0),
  traceparent: '',
  causationId: '',
  canary: '',
});

async function durable() {
  const { consumers } = await jetstreamManager(nats);
  return consumers.info(streamOf(TOPIC), 'test--bus').catch(() => undefined);
}

async function listen(onMessage: (message: BusMessage) => void, onBeacon: (beacon: Beacon) => void = () => {}) {
  const subscription = await bus.consume(TOPIC, 'test.bus', { message: onMessage, beacon: onBeacon });
  await expect.poll(async () => ((await durable())?.num_waiting ?? 0) > 0, patience).toBe(true);
  return subscription;
}

test('what a listener gives back when it ends goes to the next one', async () => {
  const kept: BusMessage[] = [];
  const first = await listen((message) => kept.push(message));
  await bus.publish(TOPIC, 1, [record(1n), record(2n)]);
  await expect.poll(() => kept.length, patience).toBe(2);
  await first.stop();
  for (const message of kept) message.giveBack();
  const seen: bigint[] = [];
  const second = await listen((message) => {
    seen.push(message.record.sequence);
    message.ack();
  });
  // The broker would wait 30 seconds for those that nobody gave back.
  await expect.poll(() => seen.toSorted(), patience).toEqual([1n, 2n]);
  await second.stop();
});

describe('a process stays connected', () => {
  test('whatever is published by whoever: what cannot be read is not delivered again', async () => {
    const seen: bigint[] = [];
    const watched: bigint[] = [];
    const beacons: bigint[] = [];
    bus.watch(TOPIC, ({ sequence }) => void watched.push(sequence));
    const take = (message: BusMessage) => {
      seen.push(message.record.sequence);
      message.ack();
    };
    const subscription = await listen(take, ({ head }) => void beacons.push(head));
    for (const [name, value] of [
      ['stoa-version', 'one'],
      ['stoa-epoch', ''],
      ['ce-id', "x'"],
      ['ce-time', 'yesterday'],
    ] as const) {
      const spoilt = headers();
      const right = { 'stoa-seq': '1', 'stoa-epoch': '1', 'ce-id': ids.uuid(), 'ce-time': new Date(0).toISOString() };
      for (const [key, text] of Object.entries({ ...right, [name]: value })) spoilt.set(key, text);
      nats.publish(subjectOf(TOPIC), 'x', { headers: spoilt });
    }
    nats.publish(beaconSubjectOf(TOPIC), 'one two');
    await nats.flush();
    await bus.publish(TOPIC, 1, [record(2n)]);
    bus.sendBeacon(TOPIC, { epoch: 1, head: 2n });
    await expect.poll(() => [seen, watched, beacons], patience).toEqual([[2n], [2n], [2n]]);
    await expect.poll(async () => (await durable())?.num_ack_pending, patience).toBe(0);
    await subscription.stop();
  });

  test('whatever a listener throws', async () => {
    const seen: bigint[] = [];
    const failing = () => {
      throw new Error('a bug');
    };
    bus.watch(TOPIC, failing);
    const subscription = await listen(({ record: { sequence }, ack }) => {
      seen.push(sequence);
      ack();
      failing();
    }, failing);
    for (const sequence of [1n, 2n, 3n]) {
      await bus.publish(TOPIC, 1, [record(sequence)]);
      bus.sendBeacon(TOPIC, { epoch: 1, head: sequence });
      await expect.poll(() => seen.at(-1), patience).toBe(sequence);
    }
    expect(bus.lost()).toBeUndefined();
    await subscription.stop();
  });
});

test('a broker that is away is told, without its password, until it is there', async () => {
  const target = new URL(inject('natsUrl'));
  const proxy = createServer((socket) => {
    const real = dial(Number(target.port), target.hostname);
    socket.pipe(real).pipe(socket);
    for (const end of [socket, real]) end.on('error', () => {});
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const { port } = proxy.address() as AddressInfo;
  await new Promise((resolve) => proxy.close(resolve));
  const told: unknown[] = [];
  const log: Log = { ...silent, warn: (message, fields) => void told.push({ message, ...fields }) };
  const fast = { ...clock, sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms / 20, signal) };
  const connecting = connectNatsBus({ url: `nats://user:secret@127.0.0.1:${port}`, name: 'test', log, clock: fast });
  await expect.poll(() => told.length, patience).toBeGreaterThan(1);
  expect(told[0]).toEqual({ message: expect.stringContaining('not reached'), address: `127.0.0.1:${port}` });
  await once(proxy.listen(port, '127.0.0.1'), 'listening');
  const late = await connecting;
  expect([late.connected(), late.lost()]).toEqual([true, undefined]);
  await late.close();
  await expect.poll(() => late.lost(), patience).toContain('is closed');
  proxy.close();
});
