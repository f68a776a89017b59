// The broker's adapter on a real broker.
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Bus, BusMessage } from '@stoa/chassis/events/bus';
import type { TopicRecord } from '@stoa/chassis/events/envelope';
import { connectNatsBus, streamOf } from '@stoa/chassis/events/nats-bus';
import { createLog } from '@stoa/chassis/log';
import { systemRuntime } from '@stoa/chassis/runtime';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';

const TOPIC = 'test.bus-events';
const { clock, ids } = systemRuntime();
const patience = { timeout: 10_000, interval: 20 };
let bus: Bus;
let nats: NatsConnection;
beforeEach(async () => {
  nats = await connect({ servers: inject('natsUrl') });
  bus = await connectNatsBus({ url: inject('natsUrl'), name: 'test', log: createLog('silent'), clock });
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

async function listen(onMessage: (message: BusMessage) => void) {
  const subscription = await bus.consume(TOPIC, 'test.bus', { message: onMessage, beacon: () => {} });
  const { consumers } = await jetstreamManager(nats);
  const ready = () =>
    consumers.info(streamOf(TOPIC), 'test--bus').then(
      ({ num_waiting }) => num_waiting > 0,
      () => false,
    );
  await expect.poll(ready, patience).toBe(true);
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
