// What both versions did since a moment, from readings of their metrics. A reading may fail: what was read last holds
// then, and how long it has been so is evidence of its own.
import { type Counts, NOTHING, since } from './scrape.ts';

/** Undefined is a version that did not answer. */
export interface Reading {
  readonly stable: Counts | undefined;
  readonly canary: Counts | undefined;
  readonly atMs: number;
}

export interface Seen {
  readonly stable: Counts;
  readonly canary: Counts;
  /** Since when the canary does not answer while stable does; undefined when it answered last. */
  readonly silentSeconds: number | undefined;
}

export interface Watch {
  /** Takes another reading in; what happened since the first. */
  add(now: Reading): Seen;
}

export function createWatch(first: Reading): Watch {
  const stable = createSide();
  const canary = createSide();
  let silentSinceMs: number | undefined;
  const add = (now: Reading): Seen => {
    // A machine that answers for nobody says nothing of the canary.
    const comparable = now.stable !== undefined;
    if (now.canary !== undefined) silentSinceMs = undefined;
    else if (!comparable) silentSinceMs = now.atMs;
    else silentSinceMs ??= now.atMs;
    return {
      stable: stable(now.stable),
      canary: canary(now.canary),
      silentSeconds: silentSinceMs === undefined ? undefined : (now.atMs - silentSinceMs) / 1000,
    };
  };
  add(first);
  return { add };
}

/** Counts from the first reading that succeeds: what a version did before is nothing that happened since. */
function createSide(): (now: Counts | undefined) => Counts {
  let before: Counts | undefined;
  let last: Counts | undefined;
  return (now) => {
    last = now ?? last;
    before ??= last;
    return before === undefined || last === undefined ? NOTHING : since(before, last);
  };
}
