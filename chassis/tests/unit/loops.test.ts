import { type Bell, createBell } from '@stoa/chassis/bell';
import { createBells, createLoops, runJob } from '@stoa/chassis/host/loops';
import { createLog } from '@stoa/chassis/log';
import { createMetrics } from '@stoa/chassis/metrics';
import { describe, expect, test } from 'vitest';
import { virtualClock } from './virtual-clock.ts';

const log = createLog('silent');

/** A job whose runs answer what `answer` says, on a clock of the test's own. */
function start(answer: (run: number, bell: Bell) => boolean) {
  const time = virtualClock();
  const metrics = createMetrics({ processMetrics: false });
  const bell = createBell(time.clock);
  const ending = new AbortController();
  let runs = 0;
  const job = {
    name: 'job',
    everyMs: 60_000,
    run: async () => answer(++runs, bell),
  };
  const done = runJob(job, undefined, { bell, log, metrics }, ending.signal);
  const end = async () => {
    ending.abort();
    await done;
  };
  return { ...time, bell, metrics, end, runs: () => runs };
}

describe('a job', () => {
  test('runs at once, and then at its pace', async () => {
    const job = start(() => false);
    await job.settle();
    expect(job.runs()).toBe(1);
    await job.pass(59_999);
    expect(job.runs()).toBe(1);
    await job.pass(1);
    expect(job.runs()).toBe(2);
    await job.end();
  });

  test('runs when its bell rings, also when it rang during a run', async () => {
    const job = start((run, bell) => {
      if (run === 1) bell.ring();
      return false;
    });
    await job.settle();
    expect(job.runs()).toBe(2);
    job.bell.ring();
    await job.settle();
    expect(job.runs()).toBe(3);
    await job.end();
  });

  test('runs again without a pause while it says there is more', async () => {
    const job = start((run) => run < 5);
    await job.settle();
    expect([job.runs(), job.asked]).toEqual([5, [60_000]]);
    await job.end();
  });

  test('that fails is tried again, less and less often down to a bound, and is counted', async () => {
    const job = start(() => {
      throw new Error('not today');
    });
    await job.pass(3_600_000);
    const pauses = job.asked;
    expect(pauses.every((pause, index) => index === 0 || pause >= (pauses[index - 1] as number))).toBe(true);
    const [longest, before] = [pauses.at(-1), pauses.at(-2)];
    expect(longest).toBe(before);
    expect(longest).toBeLessThanOrEqual(5000);
    expect(await job.metrics.text()).toMatch(/stoa_job_failed_total\{task="job"\} \d+/);
    await job.end();
  });

  test('that works again begins anew when it fails the next time', async () => {
    const job = start((run) => {
      if (run % 2 === 1) throw new Error('now and then');
      return true;
    });
    await job.pass(3000);
    expect(new Set(job.asked).size).toBe(1);
    await job.end();
  });

  test('ends with its signal, in the middle of a pause', async () => {
    const job = start(() => false);
    await job.settle();
    await job.end();
    expect(job.sleeping()).toBe(0);
  });
});

describe('loops', () => {
  test('are started again when they throw, and end together', async () => {
    const { clock, pass } = virtualClock();
    const loops = createLoops(clock, log);
    const told: string[] = [];
    loops.start('shaky', async (signal) => {
      told.push('started');
      if (told.length < 3) throw new Error('once more');
      await clock.sleep(1e9, signal);
      told.push('ended');
    });
    await pass(10_000);
    expect(told).toEqual(['started', 'started', 'started']);
    await loops.stop();
    expect(told.at(-1)).toBe('ended');
  });
});

describe('a bell', () => {
  test('ends a wait, and the next one at once when nobody waits', async () => {
    const { clock, sleeping, settle } = virtualClock();
    const bell = createBell(clock);
    const { signal } = new AbortController();
    bell.ring();
    expect(await bell.wait(1000, signal)).toBe(true);
    const waiting = bell.wait(1000, signal);
    await settle();
    bell.ring();
    expect(await waiting).toBe(true);
    expect(sleeping()).toBe(0);
  });

  test('that nobody rings is waited for as long as asked', async () => {
    const { clock, pass } = virtualClock();
    const waiting = createBell(clock).wait(1000, new AbortController().signal);
    await pass(1000);
    expect(await waiting).toBe(false);
  });

  test('is the same one for the same job of the same service', () => {
    const bells = createBells(virtualClock().clock);
    expect(bells('orders', 'timers')).toBe(bells('orders', 'timers'));
    expect(bells('orders', 'timers')).not.toBe(bells('cart', 'timers'));
  });
});
