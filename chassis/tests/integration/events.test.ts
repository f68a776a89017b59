// Outbox to inbox over a real broker, with the broker's faults. The messages are a service's; the chassis does not care.
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { createBell } from '@stoa/chassis/bell';
import { consumer, on } from '@stoa/chassis/events/consumer';
import type { Received } from '@stoa/chassis/events/envelope';
import { createInboxWorker } from '@stoa/chassis/events/inbox-worker';
import { connectNatsBus } from '@stoa/chassis/events/nats-bus';
import { streamOf } from '@stoa/chassis/events/nats-wire';
import { readHeads, readWindow } from '@stoa/chassis/events/outbox';
import type { Producer } from '@stoa/chassis/events/producer';
import { createPublish } from '@stoa/chassis/events/publish';
import { createPublisher } from '@stoa/chassis/events/publisher';
import { topic } from '@stoa/chassis/events/topic';
import { NO_FAILPOINTS } from '@stoa/chassis/failpoint';
import { createLoops } from '@stoa/chassis/host/loops';
import { createLog } from '@stoa/chassis/log';
import { createMetrics } from '@stoa/chassis/metrics';
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { systemRuntime } from '@stoa/chassis/runtime';
import { createTestDatabases } from '@stoa/chassis/testing/test-database';
import {
  file_stoa_inventory_v1_stock_events,
  StockLevelChangedSchema,
} from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

const runtime = systemRuntime();
const log = createLog('silent');
const stockEvents = topic('inventory.stock-events', file_stoa_inventory_v1_stock_events);
const stream = streamOf(stockEvents.name);

type Level = Received<typeof StockLevelChangedSchema>;

async function openPipe() {
  const bell = createBell(runtime.clock);
  const migrations = new URL('./fixtures/applied/', import.meta.url);
  const databases = await createTestDatabases({
    adminUrl: inject('postgresUrl'),
    runtime,
    log,
    databases: { out: { folder: undefined, chassis: true }, in: { folder: migrations, chassis: true } },
    onPublished: () => bell.ring(),
  });
  const out = databases.open('out');
  const inbox = databases.open('in');
  const bus = await connectNatsBus({ url: inject('natsUrl'), name: 'test', log, clock: runtime.clock });
  const nats = await connect({ servers: inject('natsUrl') });
  const streams = await jetstreamManager(nats);
  await streams.streams.delete(stream).catch(() => {});
  const publish = createPublish(runtime.ids);
  const loops = createLoops(runtime.clock, log);
  const metrics = createMetrics({ processMetrics: false });
  const common = { bus, instance: 'test', clock: runtime.clock, log, metrics, failpoints: NO_FAILPOINTS };
  const poison = new Set<string>();

  async function apply(tx: Tx, batch: readonly Level[]) {
    const bad = batch.find(({ message }) => poison.has(message.sku));
    if (bad !== undefined) throw new Error(`cannot handle ${bad.message.sku}`);
    await tx.run(sql`
      insert into applied (event_id, sku, version)
      select * from unnest(${batch.map((b) => b.eventId)}::uuid[], ${batch.map((b) => b.message.sku)}::text[],
        ${batch.map((b) => b.message.version)}::bigint[])`);
  }

  const definition = consumer({
    name: 'test.levels',
    topic: stockEvents,
    on: [on(StockLevelChangedSchema, apply)],
    attemptsMax: 2,
  });
  const producer: Producer = {
    async replay(name, after) {
      return { epoch: 1, records: await readWindow(out, name, after, 500) };
    },
    async sync(name) {
      const [head] = await readHeads(out, [name]);
      return { epoch: head?.epoch ?? 1, head: head?.seq ?? 0n, consistent: true };
    },
  };
  const versions = new Map<string, bigint>();
  return {
    out,
    inbox,
    streams,
    poison,
    startPublisher() {
      const publisher = createPublisher({ ...common, db: out, topics: [stockEvents.name], bell });
      loops.start('publisher', (signal) => publisher.run(signal));
    },
    startConsumer(instance = 'test') {
      const worker = createInboxWorker({ ...common, instance, definition, context: undefined, db: inbox, producer });
      loops.start(`consumer ${instance}`, (signal) => worker.run(signal));
    },
    /** What the broker has delivered to the consumer's replicas and none of them has acknowledged. */
    unacknowledged: async () => (await streams.consumers.info(stream, 'test--levels')).num_ack_pending,
    /** Publishes the next version of each SKU, in one transaction each, all at once. */
    async change(...skus: string[]) {
      await Promise.all(
        skus.map((sku) => {
          const version = (versions.get(sku) ?? 0n) + 1n;
          versions.set(sku, version);
          return out.transact(async (tx) => {
            publish(tx, StockLevelChangedSchema, { sku, version, onHand: version });
          });
        }),
      );
    },
    applied: () =>
      inbox.rows(sql<{ sku: string; version: bigint }>`select sku, version from applied order by position`),
    async close() {
      await loops.stop();
      await bus.close();
      await nats.close();
      await databases.drop();
    },
  };
}

let pipe: Awaited<ReturnType<typeof openPipe>>;
beforeEach(async () => {
  pipe = await openPipe();
});
afterEach(() => pipe.close());

const skus = (count: number) => Array.from({ length: count }, (_, index) => `sku-${index}`);

/** Every SKU's versions are 1, 2, 3, … without repetition. */
async function expectExactlyOnceInOrder(count: number) {
  await expect.poll(async () => (await pipe.applied()).length, { timeout: 20_000, interval: 50 }).toBe(count);
  const next = new Map<string, bigint>();
  for (const { sku, version } of await pipe.applied()) {
    expect(version).toBe((next.get(sku) ?? 0n) + 1n);
    next.set(sku, version);
  }
}

describe('events', () => {
  it('arrive exactly once and in each aggregate’s order, however many writers there are', async () => {
    pipe.startPublisher();
    pipe.startConsumer();
    for (let round = 0; round < 10; round++) await pipe.change(...skus(50));
    await expectExactlyOnceInOrder(500);
    const numbers = await pipe.out.one(sql<{ max: bigint; count: bigint }>`select max(pub_seq), count(*) from outbox`);
    expect(numbers).toEqual({ max: 500n, count: 500n });
  });

  it('go to the replica that applies them: a standby takes none of them away', async () => {
    pipe.startPublisher();
    pipe.startConsumer('one');
    await pipe.change(...skus(20));
    await expectExactlyOnceInOrder(20);
    pipe.startConsumer('two');
    for (let round = 0; round < 10; round++) await pipe.change(...skus(20));
    await expectExactlyOnceInOrder(220);
    // The broker waits 30 seconds for whoever took one before it gives it to another.
    await expect.poll(() => pipe.unacknowledged(), { timeout: 15_000, interval: 50 }).toBe(0);
  });

  it('that were published before the consumer existed come from the producer', async () => {
    pipe.startPublisher();
    await pipe.change(...skus(30));
    await expect
      .poll(async () => (await readHeads(pipe.out, [stockEvents.name]))[0]?.seq, { timeout: 10_000 })
      .toBe(30n);
    pipe.startConsumer();
    await expectExactlyOnceInOrder(30);
  });

  it('survive the broker losing its stream', async () => {
    pipe.startPublisher();
    pipe.startConsumer();
    await pipe.change(...skus(20));
    await expectExactlyOnceInOrder(20);
    await pipe.streams.streams.delete(stream);
    await pipe.change(...skus(20));
    await pipe.change(...skus(20));
    await expectExactlyOnceInOrder(60);
  });

  it('survive the loss of the last ones, which no gap reveals', async () => {
    pipe.startPublisher();
    pipe.startConsumer();
    await pipe.change(...skus(5));
    await expectExactlyOnceInOrder(5);
    await pipe.streams.consumers.delete(stream, 'test--levels');
    await pipe.change(...skus(5));
    await expectExactlyOnceInOrder(10);
  });

  it('keep flowing past a poisoned one; its aggregate waits, and goes on in order when redriven', async () => {
    pipe.startPublisher();
    pipe.startConsumer();
    pipe.poison.add('sku-1');
    await pipe.change('sku-0', 'sku-1', 'sku-2');
    await pipe.change('sku-0', 'sku-1', 'sku-2');
    await expect.poll(async () => (await pipe.applied()).length, { timeout: 20_000 }).toBe(4);
    const parked = () =>
      pipe.inbox.rows(sql<{ aggregate_id: string; error: string; open: boolean }>`
        select aggregate_id, error, resolved_at is null as open from parked_event order by seq`);
    await expect.poll(async () => (await parked()).length, { timeout: 20_000 }).toBe(2);
    expect(await parked()).toMatchObject([
      { aggregate_id: 'sku-1', error: 'cannot handle sku-1', open: true },
      { aggregate_id: 'sku-1', error: expect.stringContaining('waits behind'), open: true },
    ]);
    pipe.poison.clear();
    await pipe.inbox.run(sql`update parked_event set redrive_at = now()`);
    await expectExactlyOnceInOrder(6);
    expect((await parked()).every(({ open }) => !open)).toBe(true);
    await pipe.change('sku-1');
    await expectExactlyOnceInOrder(7);
  });
});
