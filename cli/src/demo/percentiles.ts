// Percentiles by nearest rank: always a value that was measured, never one between two.

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** The smallest value that at least `percent` of a hundred values do not exceed. `sorted` is ascending and not empty. */
export function percentile(sorted: readonly number[], percent: number): number {
  if (sorted.length === 0) throw new Error('there is no percentile of nothing');
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] as number;
}

/** In whole units; undefined when nothing was measured. */
export function summarize(values: readonly number[]): Percentiles | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const at = (percent: number) => Math.round(percentile(sorted, percent));
  return { p50: at(50), p95: at(95), p99: at(99), max: at(100) };
}
