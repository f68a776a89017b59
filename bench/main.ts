// npm run bench -- <part...> [--rounds N] [--seconds N] [--scale N] [--json]
//
// Each part starts what it measures by itself, on a home of its own under the temporary folder, and removes it again.
import { parseArgs } from 'node:util';
import type { BenchOptions } from './lib/options.ts';
import { printTable, type Table } from './lib/report.ts';

type Part = (options: BenchOptions) => Promise<Table[]>;

/** Loaded when they are run: a part must not pay for the others. */
const PARTS: Readonly<Record<string, () => Promise<Part>>> = {
  rpc: async () => (await import('./parts/rpc.ts')).rpc,
  limit: async () => (await import('./parts/limit.ts')).limit,
  checkout: async () => (await import('./parts/checkout.ts')).checkout,
  pipeline: async () => (await import('./parts/pipeline.ts')).pipeline,
  flash: async () => (await import('./parts/flash.ts')).flash,
  catalog: async () => (await import('./parts/catalog.ts')).catalog,
  product: async () => (await import('./parts/catalog.ts')).product,
  search: async () => (await import('./parts/catalog.ts')).search,
  listing: async () => (await import('./parts/catalog.ts')).listing,
  events: async () => (await import('./parts/events.ts')).events,
  growth: async () => (await import('./parts/growth.ts')).growth,
  start: async () => (await import('./parts/start.ts')).start,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    scale: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});

/** Parts of others. */
const PARTIAL = new Set(['product', 'search', 'listing']);
const names = positionals.length === 0 ? Object.keys(PARTS).filter((name) => !PARTIAL.has(name)) : positionals;
const unknown = names.find((name) => PARTS[name] === undefined);
if (unknown !== undefined) {
  process.stderr.write(`there is no part "${unknown}"; there are ${Object.keys(PARTS).join(', ')}\n`);
  process.exit(2);
}
const options = { rounds: Number(values.rounds), seconds: Number(values.seconds), scale: Number(values.scale) };
const results: Record<string, Table[]> = {};
for (const name of names) {
  const part = await (PARTS[name] as () => Promise<Part>)();
  results[name] = await part(options);
  if (!values.json) for (const table of results[name]) process.stdout.write(`${printTable(table)}\n`);
}
if (values.json) process.stdout.write(`${JSON.stringify({ node: process.version, ...options, results }, null, 2)}\n`);
process.exit();
