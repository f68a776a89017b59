// Lets a request wait until its order is decided. Told by the commits of this process; a waiter that hears nothing
// (the saga may run in another replica) looks again by itself.
import { createBell } from '@stoa/chassis/bell';
import type { Clock } from '@stoa/chassis/runtime';

export interface Outcomes {
  tell(orderId: string): void;
  /** Resolves when the order is told of, when `ms` have passed, or when the signal aborts. */
  wait(orderId: string, ms: number, signal: AbortSignal): Promise<void>;
}

export function createOutcomes(clock: Clock): Outcomes {
  const waiting = new Map<string, Set<() => void>>();
  return {
    tell(orderId) {
      for (const wake of waiting.get(orderId) ?? []) wake();
    },
    async wait(orderId, ms, signal) {
      const bell = createBell(clock);
      const wakes = waiting.get(orderId) ?? new Set();
      waiting.set(orderId, wakes.add(bell.ring));
      try {
        await bell.wait(ms, signal);
      } finally {
        wakes.delete(bell.ring);
        if (wakes.size === 0) waiting.delete(orderId);
      }
    },
  };
}
