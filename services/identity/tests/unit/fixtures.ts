// Predictable stand-ins for the ports of the runtime.
import type { Clock, Random } from '@stoa/chassis/runtime';

/** Never gives the same bytes twice. */
export function countingRandom(): Random {
  let next = 0;
  return {
    below: (bound) => next++ % bound,
    bytes: (length) => {
      const bytes = Buffer.alloc(length);
      bytes.writeUInt32BE(next++, length - 4);
      return bytes;
    },
  };
}

export interface SteppedClock extends Clock {
  advance(ms: number): void;
}

/** Stands still until it is moved. */
export function steppedClock(): SteppedClock {
  let nowMs = 1_000_000;
  return {
    now: () => new Date(nowMs),
    monotonicMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
    advance: (ms) => {
      nowMs += ms;
    },
  };
}
