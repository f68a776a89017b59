// The simulation as part of `npm test`: worlds of both modes, the whole bug zoo, and that a world is a function of its
// seed. In child processes, because a process that simulates has no clock of its own any more.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { type Report, runPool } from './pool.ts';

const MINUTES = 60_000;
const main = fileURLToPath(new URL('./main.ts', import.meta.url));

/** What it prints, also when it finds something. */
async function simulate(...args: readonly string[]): Promise<string> {
  const run = promisify(execFile)(process.execPath, [main, ...args], { maxBuffer: 1 << 26 });
  return (await run.catch((error: { stdout: string }) => error)).stdout;
}

async function worlds(seeds: readonly number[], env: Readonly<Record<string, string>> = {}): Promise<Report[]> {
  const reports: Report[] = [];
  const tasks = seeds.map((seed) => ({ seed, mode: 'safety' }) as const);
  await runPool(tasks, { workers: 1, env, onReport: (report) => reports.push(report) < 0 });
  return reports;
}

it('the same seed gives the same world, whatever ran before it', { timeout: 10 * MINUTES }, async () => {
  const [first, , again] = await worlds([11, 12, 11]);
  const [alone] = await worlds([11]);
  expect(again?.verdict.hash).toBe(first?.verdict.hash);
  expect(alone?.verdict.hash).toBe(first?.verdict.hash);
});

it('the services take time, ids and randomness from their context alone', { timeout: 10 * MINUTES }, async () => {
  const reports = await worlds([1, 2, 3], { SIM_LEAKS: '1' });
  expect(reports.at(-1)?.leaks).toEqual([]);
});

it('200 worlds under faults keep every promise', { timeout: 30 * MINUTES }, async () => {
  expect(await simulate('--mode', 'safety', '--seeds', '200')).toMatch(/^200 worlds[\s\S]*\b0 worlds with violations/m);
});

it('40 worlds with a part that stays broken come to their end', { timeout: 15 * MINUTES }, async () => {
  expect(await simulate('--mode', 'liveness', '--seeds', '40')).toMatch(/^40 worlds[\s\S]*\b0 worlds with violations/m);
});

it('every bug of the zoo is found', { timeout: 30 * MINUTES }, async () => {
  expect(await simulate('--zoo')).toMatch(/all \d+ bugs were found/);
});
