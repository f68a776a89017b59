// The generated users of the broker, on a real nats-server: each service can do what its bus does, and nothing else.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Bus } from '@stoa/chassis/events/bus';
import type { TopicRecord } from '@stoa/chassis/events/envelope';
import { connectNatsBus } from '@stoa/chassis/events/nats-bus';
import { streamOf } from '@stoa/chassis/events/nats-wire';
import { createLog } from '@stoa/chassis/log';
import { systemRuntime } from '@stoa/chassis/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readHostEnvironment } from '../../../cli/src/infrastructure/environment.ts';
import { openHome } from '../../../cli/src/infrastructure/home.ts';
import { findNatsServer } from '../../../cli/src/infrastructure/nats-binary.ts';
import { firstLine, portTaken, withPort } from '../../../cli/src/infrastructure/ports.ts';
import { root } from '../../../scripts/checks/run-tool.ts';
import { passwordVariable } from '../../../scripts/generate/nats.ts';

const USERS = ['bff', 'cart', 'catalog', 'inventory', 'notifications', 'orders', 'payments', 'shipping'];
const ORDERS = 'orders.events';
const log = createLog('silent');
const { clock } = systemRuntime();

let folder: string;
let server: ChildProcess;
let port: number;
const buses: Bus[] = [];
const connections: NatsConnection[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stoa-broker-'));
  const command = await findNatsServer(openHome(folder), readHostEnvironment(), () => {});
  const passwords = Object.fromEntries([...USERS, 'sys'].map((user) => [passwordVariable(user), `pw-${user}`]));
  port = await withPort(undefined, async (free) => {
    writeConfiguration(free);
    server = spawn(command, ['--config', join(folder, 'nats.conf')], {
      env: { ...passwords, POD_NAME: 'nats-0' },
      stdio: 'ignore',
    });
    while ((await firstLine(free, 500)) === null) {
      if (server.exitCode !== null) return portTaken;
      await clock.sleep(50);
    }
    return free;
  });
});

afterAll(async () => {
  await Promise.all([...buses, ...connections].map((each) => each.close()));
  if (server.exitCode === null) {
    server.kill();
    await once(server, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

/** What a cluster gets, alone instead of three; less sync_interval, which the oldest server that we support refuses. */
function writeConfiguration(free: number): void {
  copyFileSync(join(root, 'mesh/generated/nats/users.conf'), join(folder, 'users.conf'));
  copyFileSync(join(root, 'mesh/components/nats-single/cluster.conf'), join(folder, 'cluster.conf'));
  const text = readFileSync(join(root, 'mesh/components/nats/nats.conf'), 'utf8')
    .replace('sync_interval: always', '')
    .replace('port: 4222', `listen: "127.0.0.1:${free}"`)
    .replace('http_port: 8222\n', '')
    .replace('store_dir: /data', `store_dir: ${JSON.stringify(join(folder, 'store'))}`);
  writeFileSync(join(folder, 'nats.conf'), text);
}

async function busOf(user: string): Promise<Bus> {
  const bus = await connectNatsBus({ url: `nats://${user}:pw-${user}@127.0.0.1:${port}`, name: user, log, clock });
  buses.push(bus);
  return bus;
}

async function rawConnection(user: string): Promise<NatsConnection> {
  const connection = await connect({
    servers: `127.0.0.1:${port}`,
    user,
    pass: `pw-${user}`,
    inboxPrefix: `_INBOX_${user}`,
  });
  connections.push(connection);
  return connection;
}

/** Resolves with the first permission violation that the broker tells this connection of. */
async function violation(connection: NatsConnection, act: () => void): Promise<string> {
  const statuses = connection.status();
  act();
  await connection.flush();
  for await (const status of statuses) if (status.type === 'error') return status.error.message;
  return '';
}

const record = (sequence: bigint): TopicRecord => ({
  sequence,
  eventId: `019bc101-3f40-7c4e-8a55-${String(sequence).padStart(12, '0')}`,
  type: 'stoa.orders.v1.OrderPlaced',
  aggregateId: 'o-1',
  aggregateVersion: sequence,
  payload: new Uint8Array([1]),
  occurredAt: new Date(0),
  traceparent: '',
  causationId: '',
  canary: '',
});

describe('the users of the broker', () => {
  it('let a producer publish its topic, a consumer receive it, and the BFF watch it', async () => {
    const [orders, cart, bff] = await Promise.all([busOf('orders'), busOf('cart'), busOf('bff')]);
    await orders.openStream(ORDERS);
    const received: bigint[] = [];
    const beacons: bigint[] = [];
    const watched: bigint[] = [];
    await cart.consume(ORDERS, 'cart.orders', {
      message: (message) => {
        received.push(message.record.sequence);
        message.ack();
      },
      beacon: ({ head }) => void beacons.push(head),
    });
    bff.watch(ORDERS, ({ sequence }) => void watched.push(sequence));
    // A durable begins with what is new, and is set up in the background: go on until something arrives.
    let next = 1n;
    const publishUntilHeard = async () => {
      await orders.publish(ORDERS, 1, [record(next)]);
      orders.sendBeacon(ORDERS, { epoch: 1, head: next });
      next += 1n;
      return received.length;
    };
    await expect.poll(publishUntilHeard, { interval: 300 }).toBeGreaterThan(0);
    await expect.poll(() => beacons.length).toBeGreaterThan(0);
    await expect.poll(() => watched.length).toBeGreaterThan(0);
  });

  it.each([
    ['orders', 'stoa.payments.events'],
    ['cart', 'stoa.orders.events'],
    ['bff', 'stoa.orders.events'],
    ['orders', `$JS.API.STREAM.DELETE.${streamOf(ORDERS)}`],
    ['orders', `$JS.API.STREAM.PURGE.${streamOf(ORDERS)}`],
    ['cart', `$JS.API.CONSUMER.DELETE.${streamOf(ORDERS)}.notifications--orders`],
    ['cart', `$JS.API.CONSUMER.MSG.NEXT.${streamOf(ORDERS)}.notifications--orders`],
  ])('refuse %s to publish to %s', async (user, subject) => {
    const connection = await rawConnection(user);
    expect(await violation(connection, () => connection.publish(subject, 'x'))).toMatch(/permissions violation/i);
  });

  it.each([
    ['cart', 'stoa.payments.events'],
    ['notifications', '_INBOX_orders.>'],
    ['payments', 'stoa.>'],
    ['cart', '$JS.API.>'],
  ])('refuse %s to listen to %s', async (user, subject) => {
    const connection = await rawConnection(user);
    const message = await violation(connection, () => void connection.subscribe(subject, { callback: () => {} }));
    expect(message).toMatch(/permissions violation/i);
  });

  it('refuse a user that is none of ours', async () => {
    await expect(connect({ servers: `127.0.0.1:${port}`, user: 'orders', pass: 'guess' })).rejects.toThrow();
    await expect(connect({ servers: `127.0.0.1:${port}` })).rejects.toThrow();
  });
});
