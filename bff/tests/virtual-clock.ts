// A clock that stands still until a test moves it.
import type { Clock } from '@stoa/chassis/runtime';

export interface VirtualClock extends Clock {
  /** Moves on, waking whoever sleeps that long. */
  advance(ms: number): void;
  /** How many sleep right now. */
  readonly sleepers: number;
}

export function virtualClock(): VirtualClock {
  let nowMs = 0;
  const sleeping = new Map<() => void, number>();
  return {
    now: () => new Date(Date.UTC(2026, 0, 1) + nowMs),
    monotonicMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const wake = () => {
          sleeping.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        if (signal?.aborted) return resolve();
        sleeping.set(wake, nowMs + ms);
        signal?.addEventListener('abort', wake);
      }),
    advance(ms) {
      nowMs += ms;
      for (const [wake, at] of sleeping) if (at <= nowMs) wake();
    },
    get sleepers() {
      return sleeping.size;
    },
  };
}
