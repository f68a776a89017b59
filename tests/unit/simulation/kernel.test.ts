import { describe, expect, it } from 'vitest';
import { createKernel } from '../../simulation/kernel/kernel.ts';
import { createRng } from '../../simulation/kernel/random.ts';
import { Incarnation } from '../../simulation/ports/process.ts';

function scene(seed = 'seed') {
  const kernel = createKernel();
  const process = new Incarnation('p', kernel, createRng(seed));
  return { kernel, process, clock: process.runtime().clock };
}

describe('the kernel', () => {
  it('runs events in the order of their times, and of their making where those are equal', async () => {
    const { kernel } = scene();
    const seen: string[] = [];
    for (const [ms, name] of [
      [30, 'c'],
      [10, 'a'],
      [30, 'd'],
      [20, 'b'],
    ] as const) {
      kernel.schedule(ms, 'test', name, () => seen.push(name));
    }
    await kernel.run(() => false, 1000);
    expect(seen.join('')).toBe('abcd');
    expect(kernel.now).toBe(30);
  });

  it('lets everything that an event set in motion settle before the next', async () => {
    const { kernel } = scene();
    const seen: string[] = [];
    kernel.schedule(1, 'test', 'first', () => {
      void (async () => {
        for (let i = 0; i < 100; i++) await Promise.resolve();
        seen.push('settled');
      })();
    });
    kernel.schedule(1, 'test', 'second', () => seen.push('second'));
    await kernel.run(() => false, 1000);
    expect(seen).toEqual(['settled', 'second']);
  });

  it('gives the same hash for the same seed and another for another', async () => {
    const life = async (seed: string) => {
      const { kernel, clock } = scene(seed);
      const rng = createRng(seed);
      void (async () => {
        for (let i = 0; i < 50; i++) await clock.sleep(rng.between(1, 100));
      })();
      await kernel.run(() => false, 10_000);
      return kernel.trace.hash();
    };
    expect(await life('a')).toBe(await life('a'));
    expect(await life('a')).not.toBe(await life('b'));
  });

  it('does not run what was cancelled', async () => {
    const { kernel } = scene();
    let ran = false;
    kernel
      .schedule(1, 'test', 'never', () => {
        ran = true;
      })
      .cancel();
    await kernel.run(() => false, 10);
    expect(ran).toBe(false);
  });
});

describe('randomness', () => {
  it('draws the same from a fork whatever was drawn beside it', () => {
    const quiet = createRng('seed').fork('ids');
    const noisy = createRng('seed');
    noisy.next();
    expect(noisy.fork('ids').bytes(8)).toEqual(quiet.bytes(8));
  });
});

describe('a process', () => {
  it('never gets what it waits for once it was killed', async () => {
    const { kernel, process, clock } = scene();
    let woken = false;
    void clock.sleep(10).then(() => {
      woken = true;
    });
    kernel.schedule(5, 'test', 'kill', () => process.kill());
    await kernel.run(() => false, 100);
    expect(woken).toBe(false);
  });

  it('goes on with what came while it was paused', async () => {
    const { kernel, process, clock } = scene();
    let wokenAt = 0;
    void clock.sleep(10).then(() => {
      wokenAt = kernel.now;
    });
    kernel.schedule(5, 'test', 'pause', () => process.pause());
    kernel.schedule(50, 'test', 'resume', () => process.resume());
    await kernel.run(() => false, 100);
    expect(wokenAt).toBe(50);
  });

  it('dies at the port call that its fuse names', async () => {
    const { process, clock } = scene();
    let calls = 0;
    process.fuse = 3;
    process.onFuse = () => process.kill();
    const kernelRun = async () => {
      for (;;) {
        await clock.sleep(1);
        calls++;
      }
    };
    void kernelRun();
    await process.kernel.run(() => false, 100);
    expect(calls).toBe(2);
    expect(process.life).toBe('dead');
  });

  it('tells another wall clock when it is set wrong, and the same monotonic one', () => {
    const { kernel, process, clock } = scene();
    const right = clock.now().getTime();
    process.skewMs = 3_600_000;
    expect(clock.now().getTime() - right).toBe(3_600_000);
    expect(clock.monotonicMs()).toBe(kernel.now);
  });
});
