// The guest checkout over GraphQL: as a storefront does it, and the shortest that the API allows. An order counts when
// its saga has ended (confirmed, paid, shipment arranged), so what the checkout leaves for later is in the figures.
import { type ObservedShop, openObservedShop, type Sample } from '../lib/observed.ts';
import type { BenchOptions } from '../lib/options.ts';
import type { Table } from '../lib/report.ts';
import { stockUp } from '../lib/skus.ts';
import { brief, median, percentile, spread } from '../lib/stats.ts';

const CONCURRENCY = [1, 8, 32];
const FLOWS = ['whole', 'short'] as const;
const WARM_UP_SECONDS = 8;

interface Kept extends Sample {
  readonly confirmedMs: readonly number[];
}

/** Milliseconds from an order's placing to its confirmation, for those placed since. */
async function confirmedAfter(observed: ObservedShop, since: Date): Promise<number[]> {
  const orders = await observed.database('orders');
  const { rows } = await orders.query<{ ms: number }>(
    `select extract(epoch from c.created_at - p.created_at)::float8 * 1000 as ms
     from outbox p join outbox c on c.aggregate_id = p.aggregate_id and c.topic = p.topic and c.aggregate_version = 2
     where p.topic = 'orders.events' and p.aggregate_version = 1 and p.created_at >= $1
       and c.type like '%OrderConfirmed'`,
    [since],
  );
  await orders.end();
  return rows.map(({ ms }) => ms);
}

function row(name: string, samples: readonly Kept[]) {
  const of = (read: (sample: Kept) => number) => samples.map(read);
  const each = (kind: 'node' | 'postgres' | 'nats') =>
    brief(median(of(({ cpu, confirmedMs }) => cpu[kind] / confirmedMs.length)));
  const accepted = samples.flatMap(({ load }) => load.latencies.accepted ?? []);
  const confirmed = samples.flatMap(({ confirmedMs }) => confirmedMs);
  return {
    flow: name,
    'orders/s': spread(of(({ confirmedMs, drainedSeconds }) => confirmedMs.length / drainedSeconds)),
    'CPU ms': spread(of(({ cpu, confirmedMs }) => (cpu.node + cpu.postgres + cpu.nats) / confirmedMs.length)),
    Node: each('node'),
    PostgreSQL: each('postgres'),
    NATS: each('nats'),
    statements: brief(median(of(({ sql, confirmedMs }) => sql.statements / confirmedMs.length))),
    transactions: brief(median(of(({ sql, confirmedMs }) => sql.transactions / confirmedMs.length))),
    'accepted p50/p95/p99 ms': [0.5, 0.95, 0.99].map((share) => brief(percentile(accepted, share))).join(' / '),
    'confirmed p50/p95 ms': [0.5, 0.95].map((share) => brief(percentile(confirmed, share))).join(' / '),
    failed: samples.reduce((sum, { load }) => sum + load.failed, 0),
  };
}

async function runShop(split: boolean, { rounds, seconds }: BenchOptions): Promise<Table> {
  const observed = await openObservedShop({ split });
  try {
    const given = { skus: await stockUp(observed) };
    const kept = new Map<string, Kept[]>();
    for (const scenario of FLOWS)
      await observed.measure({ scenario, concurrency: 16, seconds: WARM_UP_SECONDS, given });
    for (let round = 0; round < rounds; round++) {
      for (const concurrency of CONCURRENCY) {
        for (const scenario of FLOWS) {
          const since = new Date();
          const sample = await observed.measure({ scenario, concurrency, seconds, given });
          const key = `${scenario}, ${concurrency} at once`;
          const confirmedMs = await confirmedAfter(observed, since);
          kept.set(key, [...(kept.get(key) ?? []), { ...sample, confirmedMs }]);
        }
      }
    }
    return {
      title: `Guest checkout, ${split ? 'a process for each service' : 'one process'}`,
      rows: [...kept].map(([name, samples]) => row(name, samples)),
      notes: [
        `${rounds} interleaved rounds of ${seconds} s; medians, spread in brackets. whole: cart, 1-3 lines one by one, ` +
          'contact, address, shipping methods, shipping, order (7-9 requests). short: cart with everything, order (2).',
        'An order counts when its saga has ended; the time until the last one had is part of the throughput. CPU, ' +
          'statements (without BEGIN and COMMIT) and transactions are of everything that ran, background work included.',
      ],
    };
  } finally {
    await observed.stop();
  }
}

export async function checkout(options: BenchOptions): Promise<Table[]> {
  return [await runShop(false, options), await runShop(true, options)];
}
