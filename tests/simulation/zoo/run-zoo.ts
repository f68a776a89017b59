// Plants each bug in processes of its own and runs seeds until it is found.
import { readFileSync } from 'node:fs';
import { type Report, runPool, type Task } from '../pool.ts';
import type { Bug } from './bug.ts';
import { BUGS } from './bugs.ts';

/** Whether a bug's text is in its file once: anything else means that the sources have moved on. */
function fits({ file, find, also }: Bug): boolean {
  const text = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
  return [find, ...(also === undefined ? [] : [also.find])].every((part) => text.split(part).length === 2);
}

interface Found {
  readonly bug: Bug;
  readonly report: Report | undefined;
  readonly worlds: number;
  readonly seconds: number;
}

async function hunt(bug: Bug, workers: number): Promise<Found> {
  const began = performance.now();
  const tasks = Array.from(
    { length: bug.seeds },
    (_, index): Task => ({ seed: index + 1, mode: bug.mode ?? 'safety' }),
  );
  let report: Report | undefined;
  let worlds = 0;
  await runPool(tasks, {
    workers,
    env: { SIM_BUG: bug.name },
    onReport: (next) => {
      worlds++;
      if (!next.verdict.violations.some((violation) => bug.finds.test(violation))) return false;
      report = next;
      return true;
    },
  });
  return { bug, report, worlds, seconds: (performance.now() - began) / 1000 };
}

/** Several bugs at a time, one process each: starting a process costs more than most bugs take to be found. */
export async function runZoo(only: string | undefined, workers: number, say: (text: string) => void): Promise<number> {
  const bugs = BUGS.filter(({ name }) => only === undefined || name === only);
  if (bugs.length === 0) {
    say(`there is no bug "${only}"; there are ${BUGS.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  const misfits = bugs.filter((bug) => !fits(bug));
  for (const { name, file } of misfits) say(`${name}: its text is not in ${file} exactly once`);
  if (misfits.length > 0) return 1;
  const left = [...bugs];
  let escaped = 0;
  const keeper = async () => {
    for (let bug = left.shift(); bug !== undefined; bug = left.shift()) {
      const { report, worlds, seconds } = await hunt(bug, 1);
      if (report === undefined) escaped++;
      const where = report === undefined ? `NOT FOUND in ${bug.seeds} seeds` : `seed ${report.seed}`;
      const what = report?.verdict.violations.find((violation) => bug.finds.test(violation)) ?? '';
      say(`${bug.name.padEnd(26)} ${where} (${worlds} worlds, ${seconds.toFixed(0)} s) ${what.slice(0, 160)}`);
    }
  };
  await Promise.all(Array.from({ length: workers }, keeper));
  say(escaped === 0 ? `all ${bugs.length} bugs were found` : `${escaped} of ${bugs.length} bugs were not found`);
  return escaped === 0 ? 0 : 1;
}
