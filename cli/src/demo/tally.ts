// What the demo counts while it runs, and the report that comes of it.
import type { Failure } from './graphql.ts';
import { type Percentiles, summarize } from './percentiles.ts';

export interface DemoError {
  readonly code: string;
  readonly count: number;
  /** Of the first one. */
  readonly message: string;
  readonly traceId?: string;
}

export interface DemoReport {
  readonly ok: boolean;
  readonly url: string;
  readonly seed: number;
  /** Purchases begun. */
  readonly purchases: number;
  /** Orders that the shop accepted. */
  readonly accepted: number;
  readonly confirmed: number;
  readonly cancelled: number;
  /** By reason. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Requests sent again on purpose, with the same key. */
  readonly repeated: number;
  /** Requests sent again because there was no answer. */
  readonly retried: number;
  /** Purchases given up because nothing suitable was in stock. */
  readonly unavailable: number;
  /** Accepted orders that were not terminal in time. */
  readonly unfinished: readonly string[];
  /** What must never happen: two answers that contradict each other. */
  readonly disagreements: readonly string[];
  readonly errors: readonly DemoError[];
  readonly acceptedMs: Percentiles | undefined;
  readonly confirmedMs: Percentiles | undefined;
  readonly ordersPerSecond: number;
  readonly durationMs: number;
}

const DISAGREEMENTS_MAX = 100;

export type Tally = ReturnType<typeof createTally>;

export function createTally() {
  const startedAt = performance.now();
  const counts = { purchases: 0, accepted: 0, confirmed: 0, cancelled: 0, repeated: 0, retried: 0, unavailable: 0 };
  const rejected = new Map<string, number>();
  const errors = new Map<string, { count: number; message: string; traceId?: string }>();
  const disagreements: string[] = [];
  const unfinished: string[] = [];
  const acceptedMs: number[] = [];
  const confirmedMs: number[] = [];
  return {
    counts,
    acceptedAfter(ms: number) {
      counts.accepted += 1;
      acceptedMs.push(ms);
    },
    confirmedAfter(ms: number) {
      counts.confirmed += 1;
      confirmedMs.push(ms);
    },
    rejectedFor(reason: string) {
      rejected.set(reason, (rejected.get(reason) ?? 0) + 1);
    },
    disagree(text: string) {
      if (disagreements.length < DISAGREEMENTS_MAX) disagreements.push(text);
    },
    neverFinished: (orderId: string) => void unfinished.push(orderId),
    fail({ code, message, traceId }: Pick<Failure, 'code' | 'message' | 'traceId'>) {
      const known = errors.get(code);
      if (known !== undefined) known.count += 1;
      else errors.set(code, { count: 1, message, ...(traceId === undefined ? {} : { traceId }) });
    },
    errorCount: () => [...errors.values()].reduce((sum, { count }) => sum + count, 0),
    rejectedCount: () => [...rejected.values()].reduce((sum, count) => sum + count, 0),
    report(url: string, seed: number): DemoReport {
      const durationMs = performance.now() - startedAt;
      return {
        ok: unfinished.length === 0 && disagreements.length === 0,
        url,
        seed,
        ...counts,
        rejected: Object.fromEntries([...rejected].sort(([, a], [, b]) => b - a)),
        unfinished,
        disagreements,
        errors: [...errors].map(([code, error]) => ({ code, ...error })).sort((a, b) => b.count - a.count),
        acceptedMs: summarize(acceptedMs),
        confirmedMs: summarize(confirmedMs),
        ordersPerSecond: Math.round((counts.accepted / durationMs) * 10_000) / 10,
        durationMs: Math.round(durationMs),
      };
    },
  };
}
