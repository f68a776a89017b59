// Lets one loop sleep until another part of the process has work for it, or until a fallback time has passed.
import type { Clock } from './runtime.ts';

export interface Bell {
  /** Ends the current wait, or the next one at once when nobody waits. */
  ring(): void;
  /** Waits for a ring, `ms` or the signal, whichever comes first; whether it was a ring. */
  wait(ms: number, signal: AbortSignal): Promise<boolean>;
}

/** Why a wait ended: a constant, because an abort without a reason makes an exception with a stack each time. */
const RUNG = 'rung';

export function createBell(clock: Clock): Bell {
  let rung = false;
  let stopWaiting: AbortController | undefined;
  return {
    ring() {
      rung = true;
      stopWaiting?.abort(RUNG);
    },
    async wait(ms, signal) {
      if (!rung && !signal.aborted) {
        const waiting = new AbortController();
        const end = () => waiting.abort(RUNG);
        signal.addEventListener('abort', end);
        stopWaiting = waiting;
        await clock.sleep(ms, waiting.signal);
        stopWaiting = undefined;
        signal.removeEventListener('abort', end);
      }
      const was = rung;
      rung = false;
      return was;
    },
  };
}
