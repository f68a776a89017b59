// Everybody wants the same thing: 100 units, 2,000 buyers. Exactly 100 may be sold; against it the same load spread
// over the whole catalogue.
import { type ObservedShop, openObservedShop } from '../lib/observed.ts';
import type { BenchOptions } from '../lib/options.ts';
import type { Table } from '../lib/report.ts';
import { stockTo, stockUp } from '../lib/skus.ts';
import { brief, percentile, spread } from '../lib/stats.ts';

const UNITS = 100;
const BUYERS = 2000;
const CONCURRENCY = 32;

interface Sale {
  readonly perSecond: number;
  readonly cpuMs: number;
  readonly latencies: readonly number[];
  readonly codes: Readonly<Record<string, number>>;
}

async function sell(observed: ObservedShop, scenario: string, skus: readonly string[], count: number): Promise<Sale> {
  const { load, cpu, drainedSeconds } = await observed.measure({
    scenario,
    concurrency: CONCURRENCY,
    count,
    given: { skus },
  });
  return {
    perSecond: load.done / drainedSeconds,
    cpuMs: (cpu.node + cpu.postgres + cpu.nats) / load.done,
    latencies: load.latencies.whole ?? [],
    codes: { ...load.codes, ...(load.failed > 0 ? { failed: load.failed } : {}) },
  };
}

/** Units of a SKU that orders hold for good. */
async function unitsSold(observed: ObservedShop, sku: string): Promise<number> {
  const inventory = await observed.database('inventory');
  const { rows } = await inventory.query<{ units: number }>(
    `select coalesce(sum(quantity), 0)::int as units from reservation_line join reservation using (order_id)
     where sku = $1 and state in ('COMMITTED', 'SHIPPED')`,
    [sku],
  );
  await inventory.end();
  return rows[0]?.units ?? 0;
}

function row(load: string, sales: readonly Sale[], sold: string) {
  const all = sales.flatMap(({ latencies }) => latencies);
  const codes: Record<string, number> = {};
  for (const sale of sales) for (const [code, n] of Object.entries(sale.codes)) codes[code] = (codes[code] ?? 0) + n;
  return {
    load,
    'buyers/s': spread(sales.map(({ perSecond }) => perSecond)),
    'CPU ms each': spread(sales.map(({ cpuMs }) => cpuMs)),
    'p50 / p95 ms to outcome': [0.5, 0.95].map((share) => brief(percentile(all, share))).join(' / '),
    'units sold': sold,
    outcomes: Object.entries(codes)
      .map(([code, n]) => `${n} ${code}`)
      .join(', '),
  };
}

export async function flash({ rounds, scale }: BenchOptions): Promise<Table[]> {
  const observed = await openObservedShop();
  const buyers = Math.round(BUYERS * scale);
  try {
    const skus = await stockUp(observed);
    await sell(observed, 'short-waiting', skus, 300);
    const hot: Sale[] = [];
    const spreadOut: Sale[] = [];
    const sold: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const sku = skus[round] as string;
      const before = await unitsSold(observed, sku);
      await stockTo(observed, sku, UNITS);
      hot.push(await sell(observed, 'flash', [sku], buyers));
      sold.push((await unitsSold(observed, sku)) - before);
      spreadOut.push(await sell(observed, 'short-waiting', skus.slice(rounds), buyers));
    }
    const right = sold.every((units) => units === Math.min(UNITS, buyers));
    return [
      {
        title: `Flash sale: ${buyers} buyers, ${UNITS} units of one SKU, ${CONCURRENCY} at once`,
        rows: [
          row('one SKU', hot, `${sold.join(', ')} ${right ? '(exactly right)' : '(WRONG)'}`),
          row('spread', spreadOut, ''),
        ],
        notes: ['Each buyer makes a cart and places the order, waiting for its outcome up to 5 s (PENDING: not yet).'],
      },
    ];
  } finally {
    await observed.stop();
  }
}
