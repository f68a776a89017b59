// Pages of the shop at 1,000 and at 100,000 products: a product by its slug, a category's listing, a word search.
import { openGrownCatalog } from '../lib/grow-catalog.ts';
import { cpuEach, type ObservedShop, openObservedShop, type Sample } from '../lib/observed.ts';
import type { BenchOptions } from '../lib/options.ts';
import type { Table } from '../lib/report.ts';
import { brief, median, percentile, spread } from '../lib/stats.ts';

const SIZES = [1000, 100_000];
const CONCURRENCY = [1, 8, 32];

const LIMIT = 'yoga with constant resolvers: `npm run bench -- limit`';

function row(products: number, concurrency: number, samples: readonly Sample[]) {
  const each = samples.map(({ cpu, load }) => cpuEach(cpu, load.done));
  const latencies = samples.flatMap(({ load }) => load.latencies.whole ?? []);
  return {
    products,
    'at once': concurrency,
    'pages/s': spread(samples.map(({ load }) => load.done / load.seconds)),
    'CPU ms': spread(each.map(({ total }) => total)),
    Node: brief(median(each.map(({ node }) => node))),
    PostgreSQL: brief(median(each.map(({ postgres }) => postgres))),
    statements: brief(median(samples.map(({ sql, load }) => sql.statements / load.done))),
    'p50 / p95 / p99 ms': [0.5, 0.95, 0.99].map((share) => brief(percentile(latencies, share))).join(' / '),
    failed: samples.reduce((sum, { load }) => sum + load.failed, 0),
  };
}

async function measureAll(observed: ObservedShop, scenario: string, size: number, options: BenchOptions) {
  const given = await openGrownCatalog(observed, Math.round(size * options.scale));
  await observed.measure({ scenario, concurrency: 8, seconds: 5, given });
  const kept = new Map(CONCURRENCY.map((concurrency) => [concurrency, [] as Sample[]]));
  for (let round = 0; round < options.rounds; round++) {
    for (const concurrency of CONCURRENCY) {
      const seconds = options.seconds / 2;
      kept.get(concurrency)?.push(await observed.measure({ scenario, concurrency, seconds, given }));
    }
  }
  return [...kept].map(([concurrency, samples]) => row(size, concurrency, samples));
}

const TITLES = {
  product: 'Product page: by slug, with variants, prices, categories',
  listing: 'Listing: 20 products of a category, newest first',
  search: 'Word search: 20 hits by rank, with the total',
} as const;

type Page = keyof typeof TITLES;

const pages =
  (...scenarios: readonly Page[]) =>
  async (options: BenchOptions): Promise<Table[]> => {
    const observed = await openObservedShop();
    try {
      const rows = new Map<Page, ReturnType<typeof row>[]>(scenarios.map((scenario) => [scenario, []]));
      for (const size of SIZES) {
        for (const [scenario, known] of rows) known.push(...(await measureAll(observed, scenario, size, options)));
      }
      return [...rows].map(([scenario, known]) => ({ title: TITLES[scenario], limit: LIMIT, rows: known }));
    } finally {
      await observed.stop();
    }
  };

export const product = pages('product');
export const listing = pages('listing');
export const search = pages('search');
/** All three on one shop: growing the catalogue takes longer than measuring it. */
export const catalog = pages('product', 'listing', 'search');
