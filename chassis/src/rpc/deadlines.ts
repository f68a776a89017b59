// Deadlines of the calls in flight. A timer for each call would be the larger part of a short call's cost, and nearly
// all of them are cancelled; so calls are kept in slots of a few milliseconds and each slot has one sleeper.
// A deadline fires up to one slot late, never early.
import type { Clock } from '../runtime.ts';

export const SLOT_MS = 5;

export interface Expiring {
  /** In the clock's monotonic milliseconds. */
  readonly deadlineAtMs: number;
  expire(): void;
}

export interface Deadlines {
  add(call: Expiring): void;
  remove(call: Expiring): void;
  /** Stops the sleepers. Calls in flight no longer expire. */
  close(): void;
}

export function createDeadlines(clock: Clock): Deadlines {
  const slots = new Map<number, Set<Expiring>>();
  const stop = new AbortController();
  const slotOf = (call: Expiring) => Math.ceil(call.deadlineAtMs / SLOT_MS);
  const open = (slot: number): Set<Expiring> => {
    const calls = new Set<Expiring>();
    slots.set(slot, calls);
    void expire(slot, calls);
    return calls;
  };
  const expire = async (slot: number, calls: Set<Expiring>) => {
    // Timers may fire a little early; the loop holds the promise that deadlines do not.
    for (;;) {
      const left = slot * SLOT_MS - clock.monotonicMs();
      if (left <= 0 || stop.signal.aborted) break;
      await clock.sleep(Math.max(1, left), stop.signal);
    }
    slots.delete(slot);
    if (!stop.signal.aborted) for (const call of calls) call.expire();
  };
  return {
    add(call) {
      const slot = slotOf(call);
      (slots.get(slot) ?? open(slot)).add(call);
    },
    remove(call) {
      slots.get(slotOf(call))?.delete(call);
    },
    close: () => stop.abort(),
  };
}
