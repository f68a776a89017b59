// A producer's outbox and a consumer's inbox, each on a database of its own, joined by the real EventLogService and by
// a broker that delivers exactly what the test hands it.
import { createClient } from '@connectrpc/connect';
import { createBell } from '@stoa/chassis/bell';
import type { Beacon, Bus, BusListener } from '@stoa/chassis/events/bus';
import { consumer, on } from '@stoa/chassis/events/consumer';
import type { Received, TopicRecord } from '@stoa/chassis/events/envelope';
import { eventLogHandlers, remoteProducer } from '@stoa/chassis/events/event-log';
import { createInboxWorker } from '@stoa/chassis/events/inbox-worker';
import { openHeads, readWindow } from '@stoa/chassis/events/outbox';
import type { Producer } from '@stoa/chassis/events/producer';
import { createPublish } from '@stoa/chassis/events/publish';
import { createPublisher } from '@stoa/chassis/events/publisher';
import { numberOnce } from '@stoa/chassis/events/sequencer';
import { topic } from '@stoa/chassis/events/topic';
import { NO_FAILPOINTS } from '@stoa/chassis/failpoint';
import { createLog } from '@stoa/chassis/log';
import { createMetrics, type Metrics } from '@stoa/chassis/metrics';
import type { Database, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { createDispatcher } from '@stoa/chassis/rpc/dispatcher';
import { implement } from '@stoa/chassis/rpc/implement';
import { createInProcessTransport } from '@stoa/chassis/rpc/in-process-transport';
import { type Clock, systemRuntime } from '@stoa/chassis/runtime';
import { createTestDatabases } from '@stoa/chassis/testing/test-database';
import { EventLogService } from '@stoa/proto/stoa/chassis/v1/event_log_pb';
import {
  file_stoa_inventory_v1_stock_events,
  StockLevelChangedSchema,
} from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { expect, inject } from 'vitest';

const runtime = systemRuntime();
const log = createLog('silent');

export const levels = topic('inventory.stock-events', file_stoa_inventory_v1_stock_events);

/** Passes 20 times as fast: what waits five seconds in life waits a quarter of a second here. */
export const fastClock: Clock = {
  now: runtime.clock.now,
  monotonicMs: () => runtime.clock.monotonicMs() * 20,
  sleep: (ms, signal) => runtime.clock.sleep(ms / 20, signal),
};

/**
 * A broker without a store: it passes on what the test delivers, or also what is published, and counts what was
 * acknowledged.
 */
function fakeBus() {
  const listeners = new Set<BusListener>();
  const acknowledged: string[] = [];
  const returned: string[] = [];
  const published: bigint[] = [];
  const epochs: number[] = [];
  const beacons: Beacon[] = [];
  const state = { passesOn: false };
  function deliver(epoch: number, ...records: readonly TopicRecord[]) {
    for (const record of records) {
      const ack = () => acknowledged.push(record.eventId);
      const giveBack = () => returned.push(record.eventId);
      for (const listener of listeners) listener.message({ epoch, record, ack, giveBack });
    }
  }
  const bus: Bus = {
    openStream: async () => ({ created: 'once', lastSeq: BigInt(published.length) }),
    async publish(_topic, epoch, records) {
      published.push(...records.map(({ sequence }) => sequence));
      epochs.push(...records.map(() => epoch));
      if (state.passesOn) deliver(epoch, ...records);
      return BigInt(published.length);
    },
    sendBeacon: (_topic, beacon) => void beacons.push(beacon),
    async consume(_topic, _consumer, listener) {
      listeners.add(listener);
      return { stop: async () => void listeners.delete(listener) };
    },
    watch: () => () => {},
    connected: () => true,
    lost: () => undefined,
    close: async () => {},
  };
  return {
    bus,
    acknowledged,
    /** Event ids of what a listener gave back. */
    returned,
    /** Sequences in the order in which they were sent. */
    published,
    /** The epoch of each of them. */
    epochs,
    beacons,
    state,
    listening: () => listeners.size,
    deliver,
    beacon(epoch: number, head: bigint) {
      for (const listener of listeners) listener.beacon({ epoch, head });
    },
  };
}

interface WorkerOptions {
  readonly instance?: string;
  readonly producer?: Producer;
  readonly db?: Database;
  readonly metrics?: Metrics;
  readonly batchMax?: number;
  readonly paceMs?: number;
}

export async function openPipe() {
  const migrations = new URL('./fixtures/applied/', import.meta.url);
  const databases = await createTestDatabases({
    adminUrl: inject('postgresUrl'),
    runtime,
    log,
    databases: { out: { folder: undefined, chassis: true }, in: { folder: migrations, chassis: true } },
  });
  const out = databases.open('out');
  const inbox = databases.open('in');
  await out.transact((tx) => openHeads(tx, [levels.name]));
  const dispatcher = createDispatcher({
    services: [{ ...implement(EventLogService, eventLogHandlers(out, [levels.name])), owner: 'inventory' }],
    authenticate: () => ({ services: ['catalog'], user: undefined, token: undefined }),
    hooks: {},
    clock: runtime.clock,
    random: runtime.random,
    log,
  });
  const eventLog = createClient(EventLogService, createInProcessTransport(dispatcher, 'catalog'));
  const producer = remoteProducer(eventLog);
  const broker = fakeBus();
  const publish = createPublish(runtime.ids);
  const ends: (() => Promise<void>)[] = [];
  const state = { fail: async (_batch: number): Promise<void> => {} };
  const batches: number[] = [];

  async function apply(tx: Tx, batch: readonly Received<typeof StockLevelChangedSchema>[]) {
    await state.fail(batch.length);
    batches.push(batch.length);
    await tx.run(sql`
      insert into applied (event_id, sku, version)
      select * from unnest(${batch.map((b) => b.eventId)}::uuid[], ${batch.map((b) => b.message.sku)}::text[],
        ${batch.map((b) => b.message.version)}::bigint[])`);
  }

  const definition = consumer({ name: 'catalog.levels', topic: levels, on: [on(StockLevelChangedSchema, apply)] });
  let version = 0n;

  return {
    out,
    inbox,
    broker,
    eventLog,
    state,
    /** How many messages each call of the handler had. */
    batches,
    /** Publishes events, each of another SKU unless one is given, and numbers them; their records. */
    async publish(count: number, only?: string): Promise<TopicRecord[]> {
      const before = (await readWindow(out, levels.name, 0n, 500)).at(-1)?.sequence ?? 0n;
      for (let n = 0; n < count; n++) {
        version += 1n;
        const change = only === undefined ? { sku: `sku-${version}`, version: 1n } : { sku: only, version };
        await out.transact(async (tx) => void publish(tx, StockLevelChangedSchema, change));
      }
      await numberOnce(out, [levels.name]);
      return readWindow(out, levels.name, before, 500);
    },
    /** The producer's database is another one now: nothing after `sequence` was ever written there. */
    async restoreProducer(sequence: number, epoch: number) {
      await out.run(sql`delete from outbox where pub_seq > ${sequence}`);
      await out.run(sql`update outbox_head set seq = ${sequence}, epoch = ${epoch}`);
    },
    /** As after a failover to a server that lacks the last events: nobody tells those that run. */
    async failOver(sequence: number) {
      await out.run(sql`delete from outbox where pub_seq > ${sequence}`);
      await out.run(sql`
        update outbox_head set seq = ${sequence}, published = least(published, ${sequence}), timeline = timeline - 1`);
    },
    startWorker({ batchMax = 256, paceMs = 0, ...options }: WorkerOptions = {}) {
      const worker = createInboxWorker({
        definition: { ...definition, batchMax, paceMs },
        context: undefined,
        db: options.db ?? inbox,
        bus: broker.bus,
        producer: options.producer ?? producer,
        instance: options.instance ?? 'one',
        clock: fastClock,
        log,
        metrics: options.metrics ?? createMetrics({ processMetrics: false }),
        failpoints: NO_FAILPOINTS,
      });
      const stopping = new AbortController();
      const done = worker.run(stopping.signal);
      const stop = async () => {
        stopping.abort();
        await done;
      };
      ends.push(stop);
      return { ...worker, stop };
    },
    /** A publisher as a replica has it; its bell is never rung, so it looks by itself. */
    startPublisher(instance: string) {
      const publisher = createPublisher({
        db: out,
        bus: broker.bus,
        topics: [levels.name],
        bell: createBell(fastClock),
        instance,
        clock: fastClock,
        log,
        metrics: createMetrics({ processMetrics: false }),
        failpoints: NO_FAILPOINTS,
      });
      const stopping = new AbortController();
      const done = publisher.run(stopping.signal);
      ends.push(async () => {
        stopping.abort();
        await done;
      });
      return { stop: ends.at(-1) as () => Promise<void> };
    },
    /** Writes events without numbering them: the publishers do. */
    async write(count: number) {
      await Promise.all(
        Array.from({ length: count }, () => {
          const sku = `sku-${++version}`;
          return out.transact(async (tx) => void publish(tx, StockLevelChangedSchema, { sku, version: 1n }));
        }),
      );
    },
    producer,
    /** Event ids in the order in which they took effect. */
    async applied(): Promise<string[]> {
      const rows = await inbox.rows(sql<{ event_id: string }>`select event_id from applied order by position`);
      return rows.map(({ event_id }) => event_id);
    },
    async watermark() {
      return inbox.maybe(sql<{ epoch: number; seq: bigint; owner: string }>`
        select epoch, seq, owner from consumer_watermark`);
    },
    async close() {
      await Promise.all(ends.map((end) => end()));
      dispatcher.close();
      await databases.drop();
    },
  };
}

export type Pipe = Awaited<ReturnType<typeof openPipe>>;

/** For `expect.poll`. */
export const patience = { timeout: 15_000, interval: 20 };
/** Waits until just these event ids have taken effect, in this order. */
export const expectApplied = (pipe: Pipe, ids: string[]) => expect.poll(() => pipe.applied(), patience).toEqual(ids);
/** Waits until so many listen to the broker. */
export const expectListening = (pipe: Pipe, count: number) =>
  expect.poll(() => pipe.broker.listening(), patience).toBe(count);

export const idsOf = (records: readonly TopicRecord[]) => records.map(({ eventId }) => eventId);
