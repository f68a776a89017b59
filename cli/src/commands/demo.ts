// `stoa demo`: drives checkouts against the shop that runs on this home, or at --url.
import { parseArgs } from 'node:util';
import { findRunning, homeFolder } from '../start/home.ts';
import { readCount } from './read-count.ts';

export async function demo(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      orders: { type: 'string', default: '100' },
      concurrency: { type: 'string', default: '8' },
      seed: { type: 'string', default: '1' },
      url: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const url = values.url ?? findRunning(homeFolder(process.env))?.url;
  if (url === undefined) throw new Error('no shop runs on this home: start one with "npm start", or give --url');
  const { runDemo } = await import('../demo/demo.ts');
  const report = await runDemo({
    url,
    orders: readCount('--orders', values.orders, 1, 1_000_000),
    concurrency: readCount('--concurrency', values.concurrency, 1, 256),
    seed: readCount('--seed', values.seed, 0, 2 ** 31),
    json: values.json,
    out: process.stdout,
  });
  return report.ok ? 0 : 1;
}
