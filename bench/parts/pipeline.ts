// The saga's throughput by itself: orders are accepted while inventory's consumer is kept from working, and then let
// go. It is kept by its own lease, as another replica would keep it; everything else runs as it always does.
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuOf, minus } from '../lib/cpu.ts';
import { cpuEach, type ObservedShop, openObservedShop } from '../lib/observed.ts';
import type { BenchOptions } from '../lib/options.ts';
import type { Table } from '../lib/report.ts';
import { stockUp } from '../lib/skus.ts';
import { brief } from '../lib/stats.ts';

const ORDERS = 20_000;
const CONCURRENCY = 16;
const HOLD = `update consumer_watermark set owner = 'bench', lease_until = now() + interval '1 hour'
  where consumer = 'inventory.orders'`;
const LET_GO = `update consumer_watermark set lease_until = '-infinity' where consumer = 'inventory.orders'`;
/** Accepting takes longer than a reservation may: the sagas' timers are put off meanwhile. */
const PATIENCE = `update saga set wake_at = now() + interval '1 hour'
  where name = 'checkout' and state = 'RESERVING' and wake_at < now() + interval '30 minutes'`;
const PATIENCE_EVERY_MS = 30_000;

async function accept(observed: ObservedShop, count: number, given: { skus: string[] }) {
  const inventory = await observed.database('inventory');
  const orders = await observed.database('orders');
  await inventory.query(HOLD);
  let accepting = true;
  const patience = (async () => {
    for (let at = performance.now(); accepting; await sleep(100)) {
      if (performance.now() - at < PATIENCE_EVERY_MS) continue;
      at = performance.now();
      await orders.query(PATIENCE);
    }
    await orders.query(PATIENCE);
  })();
  const { url } = observed.shop.running;
  const load = await observed.generator.run({ scenario: 'short', url, concurrency: CONCURRENCY, count, given });
  accepting = false;
  await patience;
  return { load, letGo: () => inventory.query(LET_GO) };
}

export async function pipeline({ scale }: BenchOptions): Promise<Table[]> {
  const observed = await openObservedShop();
  try {
    const given = { skus: await stockUp(observed) };
    await observed.measure({ scenario: 'short', concurrency: CONCURRENCY, seconds: 5, given });
    const { load, letGo } = await accept(observed, Math.round(ORDERS * scale), given);
    await observed.sql.reset();
    const before = cpuOf(observed.shop.pid);
    await letGo();
    const startedAt = performance.now();
    await observed.drained();
    const seconds = (performance.now() - startedAt) / 1000;
    const cpu = cpuEach(minus(cpuOf(observed.shop.pid), before), load.done);
    const sql = await observed.sql.read();
    const row = {
      waiting: load.done,
      'drained in s': brief(seconds),
      'orders/s': brief(load.done / seconds),
      'CPU ms': brief(cpu.total),
      Node: brief(cpu.node),
      PostgreSQL: brief(cpu.postgres),
      NATS: brief(cpu.nats),
      statements: brief(sql.statements / load.done),
      transactions: brief(sql.transactions / load.done),
    };
    const notes = [
      'From the moment inventory may work (it notices within a second) until the last saga has ended: stock held, ' +
        'payment authorized, stock committed, payment captured, shipment arranged, mails written.',
    ];
    return [{ title: 'Pipeline: accepted orders, drained through the saga', rows: [row], notes }];
  } finally {
    await observed.stop();
  }
}
