// Replaces this process's clock, timers and randomness with virtual ones, for whatever does not get them from its
// context: PGlite (so that `now()` in SQL is the world's time), cockatiel's timers, protobuf's timestamps.
// Stoa's own code must not need it; which file asked is remembered, and a test holds that none of ours did.

type Callback = (...args: unknown[]) => void;

export interface Timers {
  /** Schedules on the world's clock; the function returned cancels. */
  set(callback: () => void, ms: number): () => void;
  random(): number;
}

const real = {
  setImmediate: globalThis.setImmediate,
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  Date: globalThis.Date,
  now: globalThis.Date.now.bind(globalThis.Date),
  performanceNow: performance.now.bind(performance),
};

/** The world's wall clock, and the way to let everything settle. */
export const wallClock = {
  ms: 0,
  turn: () => new Promise<void>((resolve) => real.setImmediate(resolve)),
  /** The machine's own clock, for measuring. */
  realMs: real.performanceNow,
};

/** Files of ours that used a global clock, timer or random source while a world ran. */
export const leaks = new Set<string>();
let timers: Timers | undefined;

const OURS = /\/(?:chassis|services|proto|bff)\/(?!.*node_modules)[^\s:)]+\.ts/;

let isWatching = false;

/** Looks for leaks from now on; a stack trace for each reading of a clock costs a fifth of the speed. */
export function watchLeaks(): void {
  isWatching = true;
}

function noteLeak(): void {
  if (!isWatching) return;
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 4;
  const caller = (new Error().stack ?? '').split('\n')[3] ?? '';
  Error.stackTraceLimit = stackTraceLimit;
  const file = OURS.exec(caller)?.[0];
  if (file !== undefined && !caller.includes('node_modules')) leaks.add(file);
}

const INERT = { unref: () => {}, ref: () => {}, hasRef: () => false, [Symbol.toPrimitive]: () => 0 };
let isMuted = false;

/** Runs something whose timers are of no interest: PostgreSQL's own, which would outlive the world they were set in. */
export function withoutTimers<T>(body: () => T): T {
  isMuted = true;
  try {
    return body();
  } finally {
    isMuted = false;
  }
}

function virtualSetTimeout(callback: Callback, ms = 0, ...args: unknown[]): unknown {
  noteLeak();
  if (isMuted) return INERT;
  if (timers === undefined) return real.setTimeout(callback, ms, ...args);
  const cancel = timers.set(() => callback(...args), ms);
  return { cancel, unref: () => {}, ref: () => {}, hasRef: () => true, [Symbol.toPrimitive]: () => 0 };
}

function virtualClearTimeout(timer: unknown): void {
  const cancel = (timer as { cancel?: () => void } | undefined)?.cancel;
  if (typeof cancel === 'function') cancel();
  else real.clearTimeout(timer as never);
}

/** Takes the process over, for good: a process that has simulated does nothing else afterwards. */
export function installVirtualGlobals(): void {
  const now = () => {
    noteLeak();
    return Math.floor(wallClock.ms);
  };
  globalThis.Date = new Proxy(real.Date, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    get: (target, property) => (property === 'now' ? now : Reflect.get(target, property)),
  });
  performance.now = () => {
    noteLeak();
    return wallClock.ms;
  };
  globalThis.setTimeout = virtualSetTimeout as never;
  globalThis.clearTimeout = virtualClearTimeout as never;
  Math.random = () => {
    noteLeak();
    return timers?.random() ?? 0.5;
  };
}

/** Whose timers the globals are from now on. */
export function useTimers(next: Timers | undefined): void {
  timers = next;
}
