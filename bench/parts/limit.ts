// The floors: what PostgreSQL, JetStream and GraphQL cost when nothing of ours is around them.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { startPostgres } from '../../cli/src/infrastructure/postgres.ts';
import { cpuOf } from '../lib/cpu.ts';
import { openJetStream } from '../lib/jetstream.ts';
import type { BenchOptions } from '../lib/options.ts';
import type { Table } from '../lib/report.ts';
import { newHome, removeHome } from '../lib/shop.ts';
import { brief, median, percentile, spread } from '../lib/stats.ts';
import { graphqlFloor } from './limit-graphql.ts';

const at = (file: string) => fileURLToPath(new URL(`../sql/${file}`, import.meta.url));
const CLIENTS = [1, 8, 32];

/** Transactions of sql/checkout-floor.sql a second, by pgbench over TCP with prepared statements. */
async function postgres({ rounds, seconds }: BenchOptions): Promise<Table> {
  const home = newHome();
  const server = await startPostgres({ home });
  try {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.query(readFileSync(at('checkout-floor-schema.sql'), 'utf8'));
    await client.end();
    const seen = new Map(CLIENTS.map((clients) => [clients, [] as { rate: number; ms: number; latency: number }[]]));
    for (let round = 0; round < rounds; round++) {
      for (const clients of CLIENTS) {
        const before = cpuOf(server.pid).postgres;
        const args = ['-n', '-M', 'prepared', '-c', String(clients), '-j', '1', '-T', String(seconds)];
        const { stdout } = await promisify(execFile)('pgbench', [...args, '-f', at('checkout-floor.sql'), server.url]);
        const done = Number(/actually processed: (\d+)/.exec(stdout)?.[1]);
        seen.get(clients)?.push({
          rate: Number(/tps = ([\d.]+)/.exec(stdout)?.[1]),
          ms: (cpuOf(server.pid).postgres - before) / done,
          latency: Number(/latency average = ([\d.]+)/.exec(stdout)?.[1]),
        });
      }
    }
    return {
      title: 'Limit: PostgreSQL, the SQL that a checkout needs at the very least',
      rows: [...seen].map(([clients, samples]) => ({
        clients,
        'commits/s': spread(samples.map(({ rate }) => rate)),
        'PostgreSQL CPU ms': spread(samples.map(({ ms }) => ms)),
        'latency ms': brief(median(samples.map(({ latency }) => latency))),
      })),
      notes: ['pgbench: 3 inserts and 1 update in one transaction (6 statements with BEGIN and COMMIT), fsync on.'],
    };
  } finally {
    await server.stop();
    await removeHome(home);
  }
}

/** Messages of 500 bytes: published in windows of 256 and delivered; and one at a time. */
async function jetStream({ rounds, scale }: BenchOptions): Promise<Table> {
  const broker = await openJetStream();
  try {
    const count = Math.ceil((40_000 * scale) / 256) * 256;
    const rates: number[] = [];
    const costs: number[] = [];
    const lone: number[] = [];
    await broker.pass(2560, 256);
    for (let round = 0; round < rounds; round++) {
      const before = cpuOf(broker.pid).nats;
      const { seconds } = await broker.pass(count, 256);
      rates.push(count / seconds);
      costs.push((cpuOf(broker.pid).nats - before) / count);
      lone.push(...(await broker.pass(200, 1)).delays);
    }
    return {
      title: 'Limit: JetStream, publish to delivered',
      rows: [
        {
          'windows of 256, messages/s': spread(rates),
          'NATS CPU ms each': spread(costs),
          'alone p50 / p99 ms': `${brief(percentile(lone, 0.5))} / ${brief(percentile(lone, 0.99))}`,
        },
      ],
      notes: ['One file-backed stream; publisher and consumer share a process; each message acknowledged.'],
    };
  } finally {
    await broker.stop();
  }
}

export async function limit(options: BenchOptions): Promise<Table[]> {
  return [await postgres(options), await jetStream(options), await graphqlFloor(options)];
}
