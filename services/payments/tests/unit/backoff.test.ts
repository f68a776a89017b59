// Pauses between repetitions.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pauseMs } from '../../src/domain/backoff.ts';

const backoff = { baseMs: 100, capMs: 10_000 };

test('the pause doubles until the cap', () => {
  const longest = (attempts: number) => pauseMs(attempts, backoff, (bound) => bound - 1);
  expect([1, 2, 3, 4].map(longest)).toEqual([100, 200, 400, 800]);
  expect([8, 50, 100_000].map(longest)).toEqual([10_000, 10_000, 10_000]);
});

test('the jitter takes away half at most and adds nothing', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1000 }), fc.nat({ max: 1_000_000 }), (attempts, seed) => {
      const pause = pauseMs(attempts, backoff, (bound) => seed % bound);
      const whole = pauseMs(attempts, backoff, (bound) => bound - 1);
      expect(pause).toBeGreaterThanOrEqual(Math.floor(whole / 2));
      expect(pause).toBeLessThanOrEqual(whole);
    }),
  );
});
