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

interface Slot {
  readonly calls: Set<Expiring>;
  /** One for each slot: adding a listener to a signal takes as long as it has listeners, and there are many slots. */
  readonly stop: AbortController;
}

export function createDeadlines(clock: Clock): Deadlines {
  const slots = new Map<number, Slot>();
  let closed = false;
  const slotOf = (call: Expiring) => Math.ceil(call.deadlineAtMs / SLOT_MS);
  const open = (number: number): Slot => {
    const slot = { calls: new Set<Expiring>(), stop: new AbortController() };
    slots.set(number, slot);
    void expire(number, slot);
    return slot;
  };
  const expire = async (number: number, { calls, stop }: Slot) => {
    // Timers may fire a little early; the loop holds the promise that deadlines do not.
    for (;;) {
      const left = number * SLOT_MS - clock.monotonicMs();
      if (left <= 0 || closed) break;
      await clock.sleep(Math.max(1, left), stop.signal);
    }
    slots.delete(number);
    if (!closed) for (const call of calls) call.expire();
  };
  return {
    add(call) {
      const slot = slotOf(call);
      (slots.get(slot) ?? open(slot)).calls.add(call);
    },
    remove(call) {
      slots.get(slotOf(call))?.calls.delete(call);
    },
    close() {
      closed = true;
      for (const { stop } of slots.values()) stop.abort('closed');
    },
  };
}
