// The floor of GraphQL: yoga over our schema and our storefront's documents, with constants for answers.
import { type ChildProcess, fork } from 'node:child_process';
import { cpuOf } from '../lib/cpu.ts';
import { openLoadGenerator } from '../lib/load.ts';
import type { BenchOptions } from '../lib/options.ts';
import type { Table } from '../lib/report.ts';
import { brief, percentile, spread } from '../lib/stats.ts';

const SCENARIOS = ['set-details', 'product', 'listing'] as const;
const CONCURRENCY = 8;

function startServer(): Promise<{ server: ChildProcess; url: string }> {
  const server = fork(new URL('../load/yoga-server.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    server.once('exit', (code) => reject(new Error(`the yoga server ended with ${code}`)));
    server.once('message', (port) => resolve({ server, url: `http://127.0.0.1:${port}` }));
  });
}

export async function graphqlFloor({ rounds, seconds }: BenchOptions): Promise<Table> {
  const { server, url } = await startServer();
  const generator = openLoadGenerator();
  const given = { slugs: ['constant'], categories: ['constant'] };
  const seen = new Map(SCENARIOS.map((name) => [name, [] as { rate: number; ms: number; latencies: number[] }[]]));
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const scenario of SCENARIOS) {
        const before = cpuOf(server.pid as number).node;
        const length = round === 0 ? 3 : seconds / 2;
        const {
          done,
          seconds: took,
          latencies,
        } = await generator.run({
          scenario,
          url,
          concurrency: CONCURRENCY,
          seconds: length,
          given,
        });
        if (done === 0) throw new Error(`${scenario} failed against the constant server`);
        const ms = (cpuOf(server.pid as number).node - before) / done;
        // The first round warms up.
        if (round > 0) seen.get(scenario)?.push({ rate: done / took, ms, latencies: [...(latencies.whole ?? [])] });
      }
    }
  } finally {
    generator.stop();
    server.kill();
  }
  return {
    title: `Limit: graphql-yoga with constant resolvers, ${CONCURRENCY} at once`,
    rows: [...seen].map(([scenario, samples]) => ({
      document: scenario,
      'requests/s': spread(samples.map(({ rate }) => rate)),
      'CPU ms': spread(samples.map(({ ms }) => ms)),
      'p50 / p95 ms': [0.5, 0.95]
        .map((share) =>
          brief(
            percentile(
              samples.flatMap(({ latencies }) => latencies),
              share,
            ),
          ),
        )
        .join(' / '),
    })),
  };
}
