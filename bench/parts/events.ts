// From commit at the producer to applied at the consumer, through outbox, sequencer, broker and inbox: one event at a
// time, and as many as go. Against raw JetStream, publish to delivered. Two databases, one process, nothing but events.
import { setTimeout as sleep } from 'node:timers/promises';
import { createBell } from '@stoa/chassis/bell';
import { consumer, on } from '@stoa/chassis/events/consumer';
import type { Received } from '@stoa/chassis/events/envelope';
import { createInboxWorker } from '@stoa/chassis/events/inbox-worker';
import { connectNatsBus } from '@stoa/chassis/events/nats-bus';
import { readHeads, readWindow } from '@stoa/chassis/events/outbox';
import { createPublish } from '@stoa/chassis/events/publish';
import { createPublisher } from '@stoa/chassis/events/publisher';
import { topic } from '@stoa/chassis/events/topic';
import { NO_FAILPOINTS } from '@stoa/chassis/failpoint';
import { createLoops } from '@stoa/chassis/host/loops';
import { createLog } from '@stoa/chassis/log';
import { createMetrics } from '@stoa/chassis/metrics';
import type { Tx } from '@stoa/chassis/postgres/database';
import { systemRuntime } from '@stoa/chassis/runtime';
import { createTestDatabases } from '@stoa/chassis/testing/test-database';
import {
  file_stoa_inventory_v1_stock_events as file,
  StockLevelChangedSchema,
} from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { startNats } from '../../cli/src/infrastructure/nats.ts';
import { startPostgres } from '../../cli/src/infrastructure/postgres.ts';
import { openJetStream } from '../lib/jetstream.ts';
import type { BenchOptions } from '../lib/options.ts';
import type { Table } from '../lib/report.ts';
import { newHome, removeHome } from '../lib/shop.ts';
import { brief, percentile, spread } from '../lib/stats.ts';

const LONE = 200;
const LONE_PAUSE_MS = 20;
const MANY = 20_000;
const WRITERS = 16;
/** Events of one transaction in the crowd: what a batch of the saga publishes. */
const AT_ONCE = 4;

type Level = Received<typeof StockLevelChangedSchema>;

async function openPipe() {
  const runtime = systemRuntime();
  const log = createLog('error');
  const bell = createBell(runtime.clock);
  const home = newHome();
  const [postgres, nats] = await Promise.all([startPostgres({ home }), startNats({ home })]);
  const databases = await createTestDatabases({
    adminUrl: postgres.url,
    runtime,
    log,
    databases: { out: { folder: undefined, chassis: true }, in: { folder: undefined, chassis: true } },
    onPublished: () => bell.ring(),
  });
  const out = databases.open('out');
  const bus = await connectNatsBus({ url: nats.url, name: 'bench', log, clock: runtime.clock });
  const stock = topic('inventory.stock-events', file);
  const common = {
    bus,
    instance: 'bench',
    clock: runtime.clock,
    log,
    metrics: createMetrics({ processMetrics: false }),
    failpoints: NO_FAILPOINTS,
  };
  const committedAt = new Map<string, number>();
  let delays: number[] = [];
  // Nothing is written besides the watermark: what is measured is the way, not the work at its end.
  const apply = async (tx: Tx, batch: readonly Level[]) => {
    tx.afterCommit(() => {
      const now = performance.now();
      for (const { eventId } of batch) delays.push(now - (committedAt.get(eventId) ?? now));
    });
  };
  const definition = consumer({ name: 'bench.levels', topic: stock, on: [on(StockLevelChangedSchema, apply)] });
  const worker = createInboxWorker({
    ...common,
    definition,
    context: undefined,
    db: databases.open('in'),
    producer: {
      replay: async (name, after) => ({ epoch: 1, records: await readWindow(out, name, after, 500) }),
      async sync(name) {
        const [head] = await readHeads(out, [name]);
        return { epoch: head?.epoch ?? 1, head: head?.seq ?? 0n, consistent: true };
      },
    },
  });
  const loops = createLoops(runtime.clock, log);
  const publisher = createPublisher({ ...common, db: out, topics: [stock.name], bell });
  loops.start('publisher', (signal) => publisher.run(signal));
  loops.start('worker', (signal) => worker.run(signal));
  const publish = createPublish(runtime.ids);
  let version = 0n;
  return {
    async commit(count: number): Promise<void> {
      const ids: string[] = [];
      await out.transact(async (tx) => {
        ids.length = 0;
        for (let n = 0; n < count; n++) {
          version += 1n;
          ids.push(
            publish(tx, StockLevelChangedSchema, { sku: `S${version % 997n}`, onHand: 5n, available: 5n, version }),
          );
        }
      });
      const now = performance.now();
      for (const id of ids) committedAt.set(id, now);
    },
    /** The delays of the next `count` events, once all are applied. */
    async applied(count: number): Promise<readonly number[]> {
      while (delays.length < count) await sleep(1);
      const seen = delays;
      delays = [];
      committedAt.clear();
      return seen;
    },
    async stop() {
      await loops.stop();
      await bus.close();
      await databases.drop();
      await Promise.all([postgres.stop(), nats.stop()]);
      await removeHome(home);
    },
  };
}

export async function events({ rounds, scale }: BenchOptions): Promise<Table[]> {
  const pipe = await openPipe();
  const broker = await openJetStream();
  const lone: number[] = [];
  const crowded: number[] = [];
  const rates: number[] = [];
  const raw = { lone: [] as number[], rates: [] as number[] };
  const many = Math.ceil((MANY * scale) / (WRITERS * AT_ONCE)) * WRITERS * AT_ONCE;
  const crowd = async (count: number) => {
    const startedAt = performance.now();
    let left = count / AT_ONCE;
    const write = async () => {
      while (left-- > 0) await pipe.commit(AT_ONCE);
    };
    const [delays] = await Promise.all([pipe.applied(count), ...Array.from({ length: WRITERS }, write)]);
    return { delays, rate: (count / (performance.now() - startedAt)) * 1000 };
  };
  try {
    await crowd(WRITERS * AT_ONCE * 20);
    for (let round = 0; round < rounds; round++) {
      for (let n = 0; n < LONE; n++) {
        await pipe.commit(1);
        lone.push(...(await pipe.applied(1)));
        await sleep(LONE_PAUSE_MS);
      }
      const { delays, rate } = await crowd(many);
      crowded.push(...delays);
      rates.push(rate);
      raw.lone.push(...(await broker.pass(LONE, 1)).delays);
      raw.rates.push(many / (await broker.pass(Math.ceil(many / 256) * 256, 256)).seconds);
    }
  } finally {
    await broker.stop();
    await pipe.stop();
  }
  const of = (delays: readonly number[]) => [0.5, 0.99].map((share) => brief(percentile(delays, share))).join(' / ');
  return [
    {
      title: 'Events: commit at the producer to applied at the consumer',
      limit: 'raw JetStream in the same process: published to delivered, without a database at either end',
      rows: [
        {
          way: 'outbox to inbox',
          'alone p50 / p99 ms': of(lone),
          'crowd p50 / p99 ms': of(crowded),
          'events/s': spread(rates),
        },
        {
          way: 'raw JetStream',
          'alone p50 / p99 ms': of(raw.lone),
          'crowd p50 / p99 ms': '',
          'events/s': spread(raw.rates),
        },
      ],
      notes: [
        `Alone: one event, then ${LONE_PAUSE_MS} ms of nothing. Crowd: ${WRITERS} writers, ${AT_ONCE} events a transaction.`,
      ],
    },
  ];
}
