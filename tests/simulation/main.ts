// npm run sim: worlds from seeds.
//
//   npm run sim                              200 worlds in safety mode and 50 in liveness mode
//   npm run sim -- --seeds 1000 --from 5000  others, and more
//   npm run sim -- --mode liveness
//   npm run sim -- --seed 42 --verbose       one world, every step
//   npm run sim -- --zoo                     plants each bug of the zoo and demands that it is found
//   npm run sim -- --zoo --bug naive-cursor  one of them
import { parseArgs } from 'node:util';
import { type Report, runPool, type Task } from './pool.ts';
import type { Mode } from './world/options.ts';
import { runZoo } from './zoo/run-zoo.ts';

const OPTIONS = {
  seeds: { type: 'string' },
  seed: { type: 'string' },
  from: { type: 'string' },
  mode: { type: 'string' },
  workers: { type: 'string' },
  minutes: { type: 'string' },
  verbose: { type: 'boolean', default: false },
  zoo: { type: 'boolean', default: false },
  bug: { type: 'string' },
} as const;

const say = (text: string) => void process.stdout.write(`${text}\n`);
const DEFAULT_SEEDS = { safety: 200, liveness: 50 } as const;

/** A command that cannot be read ends with 2, as one that found something ends with 1. */
function refuse(problem: string): never {
  process.stderr.write(`${problem}\n`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function readMode(text: string | undefined): Mode | undefined {
  if (text === undefined || text === 'safety' || text === 'liveness') return text;
  return refuse(`--mode is safety or liveness, not ${text}`);
}

type Numbered = 'seeds' | 'seed' | 'from' | 'workers';
function whole(name: Numbered, least: number): number | undefined {
  const { [name]: text } = values;
  if (text === undefined) return undefined;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return number >= least ? number : refuse(`--${name} is a whole number from ${least}, not ${text}`);
}

function readMinutes(): number {
  const { minutes } = values;
  if (minutes === undefined) return Number.POSITIVE_INFINITY;
  return Number(minutes) > 0 ? Number(minutes) : refuse(`--minutes is a number above 0, not ${minutes}`);
}

const values = readArguments();
const mode = readMode(values.mode);
const seeds = whole('seeds', 1);
const seed = whole('seed', 0);
const from = whole('from', 0) ?? 1;
const workers = whole('workers', 1) ?? 2;
const minutes = readMinutes();

function tasks(): Task[] {
  if (seed !== undefined) return [{ seed, mode: mode ?? 'safety' }];
  const modes: readonly Mode[] = mode === undefined ? ['safety', 'liveness'] : [mode];
  return modes.flatMap((each) => {
    const count = seeds ?? DEFAULT_SEEDS[each];
    return Array.from({ length: count }, (_, index) => ({ seed: from + index, mode: each }));
  });
}

function tell({ seed, mode, verdict }: Report): void {
  say(`\nseed ${seed} (${mode}) broke ${verdict.violations.length}:`);
  for (const violation of verdict.violations) say(`  ${violation}`);
  say(`options ${JSON.stringify(verdict.options)}`);
  say(`faults ${JSON.stringify(verdict.faults)}`);
  say(`the last ${verdict.trace.length} steps:`);
  for (const line of verdict.trace) say(`  ${line}`);
  say(`trace ${verdict.hash}; replay: npm run sim -- --seed ${seed} --mode ${mode} --verbose\n`);
}

async function simulate(): Promise<number> {
  const began = performance.now();
  const deadline = began + minutes * 60_000;
  const list = tasks();
  const totals = { worlds: 0, orders: 0, confirmed: 0, steps: 0, statements: 0, virtualMs: 0, cpuMs: 0, broken: 0 };
  const faults = new Map<string, number>();
  const onReport = (report: Report) => {
    const { verdict, cpuMs } = report;
    totals.worlds++;
    totals.cpuMs += cpuMs;
    for (const name of ['orders', 'confirmed', 'steps', 'statements', 'virtualMs'] as const)
      totals[name] += verdict[name];
    for (const [name, count] of Object.entries(verdict.faults)) faults.set(name, (faults.get(name) ?? 0) + count);
    if (verdict.violations.length > 0) {
      totals.broken++;
      tell(report);
    }
    if (seed !== undefined) say(`trace ${verdict.hash}`);
    return performance.now() > deadline;
  };
  await runPool(list, { workers, verbose: values.verbose, onReport });
  const seconds = (performance.now() - began) / 1000;
  const { worlds, orders, confirmed, steps, statements, virtualMs, cpuMs, broken } = totals;
  say(
    `${worlds} worlds in ${seconds.toFixed(0)} s: ${(worlds / seconds).toFixed(2)} worlds/s (${Math.round(cpuMs / worlds)} ms of CPU each)`,
  );
  say(
    `${orders} orders, ${confirmed} confirmed; ${steps} steps, ${statements} statements, ${Math.round(virtualMs / 60_000)} virtual minutes`,
  );
  const sorted = [...faults].sort(([a], [b]) => a.localeCompare(b));
  say(`faults: ${sorted.map(([name, count]) => `${name} ${count}`).join(', ')}`);
  say(`${broken} worlds with violations`);
  return broken === 0 ? 0 : 1;
}

process.exitCode = values.zoo ? await runZoo(values.bug, workers, say) : await simulate();
