import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDeadlines, SLOT_MS } from '../../src/rpc/deadlines.ts';
import { readHeader } from '../../src/rpc/headers.ts';
import { createRateLimiter } from '../../src/rpc/rate-limit.ts';
import { createTracer, traceIdOf } from '../../src/rpc/trace.ts';
import { createBoundedMap } from '../../src/rpc/two-generations.ts';
import { countingRandom, manualClock } from './rpc-fixture.ts';

describe('the bounded map', () => {
  it('never holds more than its capacity and always the half used last', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { maxLength: 300 }), (keys) => {
        const map = createBoundedMap<number>(8);
        for (const key of keys) {
          if (map.get(`${key}`) === undefined) map.set(`${key}`, key);
          expect(map.size).toBeLessThanOrEqual(8);
        }
        const lastUsed = [...new Set(keys.toReversed())].slice(0, 4);
        for (const key of lastUsed) expect(map.get(`${key}`)).toBe(key);
      }),
    );
  });

  it('never holds more than its capacity of weight, and nothing that weighs more than half of it', () => {
    const weightOf = (key: string) => Number(key);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 15 }), { maxLength: 300 }), (weights) => {
        const map = createBoundedMap<string>(20, weightOf);
        const kept = () => weights.map(String).filter((key, at, all) => all.indexOf(key) === at && map.get(key));
        for (const weight of weights) {
          map.set(`${weight}`, 'x');
          expect(map.get(`${weight}`)).toBe(weight > 10 ? undefined : 'x');
        }
        expect(kept().reduce((sum, key) => sum + weightOf(key), 0)).toBeLessThanOrEqual(20);
      }),
    );
  });

  it('counts anew after it was cleared', () => {
    const map = createBoundedMap<number>(4);
    for (const key of ['a', 'b', 'c']) map.set(key, 1);
    map.clear();
    expect([map.get('a'), map.size]).toEqual([undefined, 0]);
    for (const key of ['d', 'e']) map.set(key, 1);
    expect([map.get('d'), map.get('e')]).toEqual([1, 1]);
  });

  it('forgets what is deleted', () => {
    const map = createBoundedMap<number>(4);
    map.set('a', 1);
    map.delete('a');
    expect([map.get('a'), map.size]).toEqual([undefined, 0]);
  });
});

describe('deadlines', () => {
  it('fire after their time, at most one slot late, and not when removed', async () => {
    const clock = manualClock();
    const deadlines = createDeadlines(clock);
    const fired: string[] = [];
    const call = (name: string, deadlineAtMs: number) => ({ deadlineAtMs, expire: () => fired.push(name) });
    const removed = call('removed', 7);
    for (const each of [call('soon', 7), removed, call('later', 1000)]) deadlines.add(each);
    deadlines.remove(removed);
    await clock.advance(6);
    expect(fired).toEqual([]);
    await clock.advance(1 + SLOT_MS);
    expect(fired).toEqual(['soon']);
    deadlines.close();
    await clock.advance(2000);
    expect(fired).toEqual(['soon']);
  });
});

describe('a rate limiter', () => {
  it('never lets more through than the burst and the refill', async () => {
    const steps = fc.array(fc.nat(400), { maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(steps, async (pauses) => {
        const clock = manualClock();
        const take = createRateLimiter({ perSecond: 5, burst: 3 }, clock);
        let passed = 0;
        for (const pause of pauses) {
          await clock.advance(pause);
          if (take('somebody') === undefined) passed += 1;
          expect(passed).toBeLessThanOrEqual(3 + (clock.monotonicMs() * 5) / 1000);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('trace ids', () => {
  it('differ from call to call and keep the trace of the parent', () => {
    const trace = createTracer(countingRandom());
    const first = trace(undefined);
    const second = trace(first);
    expect(traceIdOf(second)).toBe(traceIdOf(first));
    expect(second).not.toBe(first);
    expect(trace('00-xyz')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });
});

describe('reading a header', () => {
  it.each([{ 'x-a': '1' }, { 'X-A': '1' }, new Headers({ 'x-a': '1' }), [['X-a', '1']] as [string, string][]])(
    'works for every form that connect takes: %o',
    (init) => {
      expect(readHeader(init, 'x-a')).toBe('1');
      expect(readHeader(init, 'x-b')).toBeUndefined();
    },
  );
});
