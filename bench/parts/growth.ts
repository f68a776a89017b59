// Does an order cost more when a million are stored? The same shop with 10 thousand orders and with a million, made
// set-based out of a thousand real ones; the cost of a checkout, of an order's page with its history, and of the audit.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { growOrders } from '../lib/grow-orders.ts';
import { cpuEach, type ObservedShop, openObservedShop, type Sample } from '../lib/observed.ts';
import type { BenchOptions } from '../lib/options.ts';
import type { Table } from '../lib/report.ts';
import { newHome, removeHome } from '../lib/shop.ts';
import { stockUp } from '../lib/skus.ts';
import { brief, median, percentile, spread } from '../lib/stats.ts';

const REAL = 1000;
const SIZES = [10_000, 1_000_000];
const CONCURRENCY = 8;
/** More than any growth copies. */
const SALT = 1_000_000;
const CLI = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));

interface Seen {
  readonly checkout: Sample[];
  readonly order: Sample[];
  readonly auditSeconds: number;
}

function audit(home: string): Promise<number> {
  const startedAt = performance.now();
  const env = { ...process.env, STOA_HOME: home };
  // What it finds is not asked here: how long it looks is.
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, 'audit', '--json'], { env, maxBuffer: 1 << 26 }, () =>
      resolve((performance.now() - startedAt) / 1000),
    );
  });
}

/** Ids and tokens of a few hundred stored orders: the token is signed with the shop's own secret. */
async function tickets(observed: ObservedShop, url: string): Promise<string[]> {
  const placed: string[] = [];
  const { openClient } = await import('../load/client.ts');
  const { CART_CREATE, PLACE_ORDER } = await import('../load/documents.ts');
  const client = openClient(url, 4);
  const inventory = await observed.database('inventory');
  const { rows } = await inventory.query<{ sku: string }>(
    'select sku from stock where on_hand - reserved > 1000 limit 50',
  );
  await inventory.end();
  for (const { sku } of rows) {
    const address = { name: 'B', line1: 'L 1', city: 'Berlin', postalCode: '10115', country: 'DE' };
    const input = { lines: [{ sku, quantity: 1 }], email: 'g@example.test', address, shippingMethodId: 'standard' };
    const { result } = await client.send(CART_CREATE, { input });
    const order = {
      cartId: result.cart.id,
      idempotencyKey: `growth-${result.cart.id}`,
      paymentMethodId: 'card',
      paymentToken: 'tok_approve',
    };
    const answer = await client.send(PLACE_ORDER, { input: order });
    placed.push(`${answer.result.order.id} ${answer.result.accessToken}`);
  }
  await client.close();
  return placed;
}

async function look(home: string, { rounds, seconds }: BenchOptions): Promise<Seen> {
  const observed = await openObservedShop({ home });
  try {
    const given = { skus: await stockUp(observed), tickets: await tickets(observed, observed.shop.running.url) };
    await observed.drained();
    const [checkout, order]: [Sample[], Sample[]] = [[], []];
    await observed.measure({ scenario: 'short', concurrency: CONCURRENCY, seconds: 8, given });
    await observed.measure({ scenario: 'order', concurrency: CONCURRENCY, seconds: 3, given });
    for (let round = 0; round < rounds; round++) {
      checkout.push(await observed.measure({ scenario: 'short', concurrency: CONCURRENCY, seconds, given }));
      order.push(await observed.measure({ scenario: 'order', concurrency: CONCURRENCY, seconds: seconds / 2, given }));
    }
    return { checkout, order, auditSeconds: await audit(home) };
  } finally {
    await observed.stop();
  }
}

function row(stored: number, { checkout, order, auditSeconds }: Seen) {
  const of = (samples: readonly Sample[]) => samples.map(({ cpu, load }) => cpuEach(cpu, load.done).total);
  const postgres = checkout.map(({ cpu, load }) => cpuEach(cpu, load.done).postgres);
  return {
    'orders stored': stored,
    'checkout CPU ms': spread(of(checkout)),
    'of it PostgreSQL': brief(median(postgres)),
    'orders/s': spread(checkout.map(({ load, drainedSeconds }) => load.done / drainedSeconds)),
    'order with history CPU ms': spread(of(order)),
    'its p50 / p95 ms': [0.5, 0.95]
      .map((share) =>
        brief(
          percentile(
            order.flatMap(({ load }) => load.latencies.whole ?? []),
            share,
          ),
        ),
      )
      .join(' / '),
    'audit s': brief(auditSeconds),
  };
}

export async function growth(options: BenchOptions): Promise<Table[]> {
  const home = newHome();
  try {
    const first = await openObservedShop({ home });
    const skus = await stockUp(first);
    await first.measure({ scenario: 'short', concurrency: 16, count: REAL, given: { skus } });
    await first.stop();
    const rows = [];
    for (const [index, size] of SIZES.entries()) {
      const stored = await growOrders(home, Math.round(size * options.scale), index * SALT);
      rows.push(row(stored, await look(home, options)));
    }
    const notes = [
      `Checkout: the short flow, ${CONCURRENCY} at once. Audit: wall time of \`stoa audit\` with everything stored.`,
    ];
    return [{ title: 'Growth: the same work with more orders stored', rows, notes }];
  } finally {
    await removeHome(home);
  }
}
