// Calls between services; see bench/rpc/README.md. That benchmark keeps its own process and its own options.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BenchOptions } from '../lib/options.ts';
import type { Table } from '../lib/report.ts';

interface Result {
  readonly request: string;
  readonly variant: string;
  readonly callsPerSecond: number;
  readonly low: number;
  readonly high: number;
  readonly cpuMicros: number;
  readonly ofRaw: number;
  readonly ofRawByCpu: number;
}

export async function rpc({ rounds }: BenchOptions): Promise<Table[]> {
  const script = fileURLToPath(new URL('../rpc/rpc-bench.ts', import.meta.url));
  const args = [script, '--rounds', String(Math.max(5, rounds)), '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 });
  const { results } = JSON.parse(stdout) as { results: Result[] };
  return [
    {
      title: 'Calls between services, 64 at once',
      limit: 'raw grpc-js with the same codecs',
      rows: results.map(({ request, variant, callsPerSecond, low, high, cpuMicros, ofRaw, ofRawByCpu }) => ({
        request,
        variant,
        'calls/s': `${callsPerSecond} (${low}-${high})`,
        'CPU us': cpuMicros,
        'of raw': ofRaw,
        'of raw by CPU': ofRawByCpu,
      })),
    },
  ];
}
