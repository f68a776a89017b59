// The scheduler: one virtual clock and one heap of events. An event runs, then everything that it set in motion settles
// (all microtasks; the database answers synchronously), and only then comes the next. So a world is a function of its
// seed. The trace hash over (time, actor, what) proves it: the same seed must give the same hash.
import { wallClock } from './globals.ts';
import { createTrace, type Trace } from './trace.ts';

export interface Scheduled {
  cancel(): void;
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly actor: string;
  readonly what: string;
  run: (() => void) | undefined;
}

export interface Kernel {
  /** Milliseconds since the world began. */
  readonly now: number;
  readonly trace: Trace;
  schedule(delayMs: number, actor: string, what: string, run: () => void): Scheduled;
  /** Notes something that happened within the current event. */
  note(actor: string, what: string): void;
  /** Runs events until `done` says so, none is left, or the time is over; whether `done` said so. */
  run(done: () => boolean, untilMs: number): Promise<boolean>;
  /** Events so far. */
  readonly steps: number;
}

/** The first moment of every world, as the wall clock and the database tell it. */
export const WORLD_BEGINS = Date.UTC(2030, 0, 1);

const before = (a: Event, b: Event) => a.at < b.at || (a.at === b.at && a.order < b.order);

function createHeap() {
  const heap: Event[] = [];
  const up = (from: number) => {
    let i = from;
    const event = heap[i] as Event;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(event, heap[parent] as Event)) break;
      heap[i] = heap[parent] as Event;
      i = parent;
    }
    heap[i] = event;
  };
  const down = (event: Event) => {
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!before(heap[child] as Event, event)) break;
      heap[i] = heap[child] as Event;
      i = child;
    }
    heap[i] = event;
  };
  return {
    push(event: Event) {
      heap.push(event);
      up(heap.length - 1);
    },
    peek: () => heap[0],
    pop(): Event | undefined {
      const top = heap[0];
      const last = heap.pop();
      if (heap.length > 0 && last !== undefined) down(last);
      return top;
    },
  };
}

export function createKernel(): Kernel {
  const heap = createHeap();
  const trace = createTrace();
  let now = 0;
  let order = 0;
  let steps = 0;
  return {
    get now() {
      return now;
    },
    get steps() {
      return steps;
    },
    trace,
    schedule(delayMs, actor, what, run) {
      // Whole microseconds, so that sums of delays do not depend on the order of addition.
      const at = now + Math.max(0, Math.round(delayMs * 1000) / 1000);
      const event: Event = { at, order: order++, actor, what, run };
      heap.push(event);
      return {
        cancel() {
          event.run = undefined;
        },
      };
    },
    note: (actor, what) => trace.add(now, actor, what),
    async run(done, untilMs) {
      for (;;) {
        if (done()) return true;
        const next = heap.peek();
        if (next === undefined || next.at > untilMs) {
          now = Math.max(now, next === undefined ? now : untilMs);
          wallClock.ms = WORLD_BEGINS + now;
          return done();
        }
        heap.pop();
        const { run } = next;
        if (run === undefined) continue;
        now = next.at;
        wallClock.ms = WORLD_BEGINS + now;
        steps++;
        trace.add(now, next.actor, next.what);
        run();
        await wallClock.turn();
      }
    },
  };
}
