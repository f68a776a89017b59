// The background work of a process: loops that outlive their errors and end together.
import { type Bell, createBell } from '../bell.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Clock } from '../runtime.ts';
import type { JobDefinition } from '../service.ts';

export interface Loops {
  /** Runs until the loops stop; started again a second after it throws. */
  start(name: string, run: (signal: AbortSignal) => Promise<void>): void;
  /** Aborts all and waits for them. */
  stop(): Promise<void>;
}

const RESTART_MS = 1000;
const JOB_RETRY_MS = { first: 200, max: 5000 };

export function createLoops(clock: Clock, log: Log): Loops {
  const ending = new AbortController();
  const running = new Set<Promise<void>>();
  const { signal } = ending;

  async function keep(name: string, run: (signal: AbortSignal) => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        await run(signal);
      } catch (error) {
        log.error('background work failed; starting it again', { job: name, error });
        await clock.sleep(RESTART_MS, signal);
      }
    }
  }

  return {
    start(name, run) {
      const loop = keep(name, run).finally(() => running.delete(loop));
      running.add(loop);
    },
    async stop() {
      ending.abort();
      await Promise.all(running);
    },
  };
}

/** Runs a job at its pace, at once when its bell rings, and again without pause while it says there is more. */
export async function runJob<Context>(
  job: JobDefinition<Context>,
  context: Context,
  parts: { readonly bell: Bell; readonly log: Log; readonly metrics: Metrics },
  signal: AbortSignal,
): Promise<void> {
  const { bell, log, metrics } = parts;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const hasMore = await job.run(context, signal);
      failures = 0;
      if (!hasMore) await bell.wait(job.everyMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      // Not `job`: Prometheus calls the target so.
      metrics.count('job_failed_total', 'Runs of a job that threw', { task: job.name });
      log.warn('a job failed; trying again', { job: job.name, error, attempt: ++failures });
      // A ring ends the pause: whoever rings has a reason to believe that it is worth another try.
      await bell.wait(Math.min(JOB_RETRY_MS.max, JOB_RETRY_MS.first * 2 ** failures), signal);
    }
  }
}

/** Bells by job, made on first use: a service may wake a job before it runs. */
export function createBells(clock: Clock): (service: string, job: string) => Bell {
  const bells = new Map<string, Bell>();
  return (service, job) => {
    const key = `${service}/${job}`;
    let bell = bells.get(key);
    if (bell === undefined) {
      bell = createBell(clock);
      bells.set(key, bell);
    }
    return bell;
  };
}
