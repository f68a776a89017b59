// Handlers that run now, whether or not somebody still waits for their answer: what they use must not be closed
// under them.
import type { Clock } from '../runtime.ts';

export interface RunningHandlers {
  begun(): void;
  ended(): void;
  /** Resolves when none runs, or after `ms`. */
  idle(ms: number): Promise<void>;
}

/** Two additions a call: nothing is allocated while nobody waits. */
export function createRunningHandlers(clock: Pick<Clock, 'sleep'>): RunningHandlers {
  let count = 0;
  let none: AbortController | undefined;
  return {
    begun() {
      count += 1;
    },
    ended() {
      count -= 1;
      if (count > 0 || none === undefined) return;
      none.abort();
      none = undefined;
    },
    async idle(ms) {
      if (count === 0) return;
      none ??= new AbortController();
      await clock.sleep(ms, none.signal);
    },
  };
}
