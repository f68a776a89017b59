// When to come back to a provider that gave no definite answer: doubling, capped, jittered, for ever.

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * The pause after the `attempts`-th call, in milliseconds: between half and the whole of the doubled base, so that
 * payments which failed together do not come back together.
 * @param randomBelow an integer from 0 up to, but not including, its argument
 */
export function pauseMs(attempts: number, { baseMs, capMs }: Backoff, randomBelow: (bound: number) => number): number {
  // 2^30 times anything is past every cap; beyond it the power would only lose precision.
  const whole = Math.min(capMs, baseMs * 2 ** Math.min(Math.max(attempts, 1) - 1, 30));
  const half = Math.floor(whole / 2);
  return half + randomBelow(whole - half + 1);
}
