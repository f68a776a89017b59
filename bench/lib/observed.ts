// A shop with its meters: runs a load and says what it cost.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Cpu, cpuOf, minus, total } from './cpu.ts';
import { type LoadGenerator, type LoadOrder, type LoadResult, openLoadGenerator } from './load.ts';
import { openShop, type Shop, type ShopOptions } from './shop.ts';
import { openSqlMeter, type SqlCount, type SqlMeter } from './sql-meter.ts';

export interface Sample {
  readonly load: LoadResult;
  readonly cpu: Cpu;
  readonly sql: SqlCount;
  /** Until the last saga had ended, where orders were placed. */
  readonly drainedSeconds: number;
}

export interface ObservedShop {
  readonly shop: Shop;
  readonly generator: LoadGenerator;
  readonly sql: SqlMeter;
  /** A connection to a service's database, as superuser: for generating and for looking. */
  database(service: string): Promise<pg.Client>;
  /** Runs a load against the shop; the shop's URL is filled in. */
  measure(order: Omit<LoadOrder, 'url'>): Promise<Sample>;
  /** Waits until no saga runs. */
  drained(): Promise<void>;
  stop(): Promise<void>;
}

const POLL_MS = 20;
const DRAIN_LIMIT_MS = 300_000;

export async function openObservedShop(options: ShopOptions = {}): Promise<ObservedShop> {
  const shop = await openShop(options);
  const { adminUrl, url } = shop.running;
  const sql = await openSqlMeter(adminUrl);
  const generator = openLoadGenerator();
  const clients: pg.Client[] = [];
  async function database(service: string): Promise<pg.Client> {
    const at = new URL(adminUrl);
    at.pathname = `/stoa_${service}`;
    const client = new pg.Client({ connectionString: at.href });
    await client.connect();
    clients.push(client);
    return client;
  }
  const orders = await database('orders');
  // The bench's own statements would be counted, so it looks seldom enough not to matter: by an index, at 50 a second.
  async function drained(): Promise<void> {
    const until = performance.now() + DRAIN_LIMIT_MS;
    while (performance.now() < until) {
      const { rowCount } = await orders.query({
        name: 'drained',
        text: `select from saga where name = 'checkout' and wake_at is not null limit 1`,
      });
      if (rowCount === 0) return;
      await sleep(POLL_MS);
    }
    throw new Error('the sagas did not end');
  }
  return {
    shop,
    generator,
    sql,
    database,
    drained,
    async measure(order) {
      await sql.reset();
      const cpuBefore = cpuOf(shop.pid);
      const startedAt = performance.now();
      const load = await generator.run({ ...order, url });
      await drained();
      const drainedSeconds = (performance.now() - startedAt) / 1000;
      const cpu = minus(cpuOf(shop.pid), cpuBefore);
      return { load, cpu, sql: await sql.read(), drainedSeconds };
    },
    async stop() {
      generator.stop();
      await Promise.all([sql.close(), ...clients.map((client) => client.end())]);
      await shop.stop();
    },
  };
}

/** CPU milliseconds for one of `count`, by process. */
export function cpuEach(cpu: Cpu, count: number) {
  return { node: cpu.node / count, postgres: cpu.postgres / count, nats: cpu.nats / count, total: total(cpu) / count };
}
