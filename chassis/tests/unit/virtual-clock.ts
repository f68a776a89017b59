// A clock that moves only when it is told to: sleepers wake in the order of their time.
import type { Clock } from '@stoa/chassis/runtime';

interface Sleeper {
  readonly at: number;
  wake(): void;
}

export function virtualClock() {
  let nowMs = 0;
  const sleepers = new Set<Sleeper>();
  /** How long each sleep was asked to be. */
  const asked: number[] = [];
  const clock: Clock = {
    now: () => new Date(nowMs),
    monotonicMs: () => nowMs,
    sleep(ms, signal) {
      asked.push(ms);
      if (signal?.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const sleeper = {
          at: nowMs + ms,
          wake() {
            sleepers.delete(sleeper);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', sleeper.wake);
      });
    },
  };
  /** Lets everything run that does not wait for time. */
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    clock,
    asked,
    sleeping: () => sleepers.size,
    settle,
    async pass(ms: number) {
      const until = nowMs + ms;
      for (;;) {
        await settle();
        const [next] = [...sleepers].sort((a, b) => a.at - b.at);
        if (next === undefined || next.at > until) break;
        nowMs = next.at;
        next.wake();
      }
      nowMs = until;
    },
  };
}
