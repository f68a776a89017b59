// Numbers about numbers.

const ascending = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

/** The value below which `share` (0 to 1) of the numbers lie; NaN when there are none. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = ascending(numbers);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export const median = (numbers: readonly number[]): number => {
  const sorted = ascending(numbers);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[sorted.length / 2 - 1] ?? Number.NaN)) / 2;
};

/** Significant enough to compare, short enough to read. */
export function brief(value: number): number {
  if (!Number.isFinite(value)) return value;
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return Number(value.toFixed(digits));
}

/** "median (lowest-highest)" of repetitions; the median alone when there was one. */
export function spread(numbers: readonly number[]): string {
  if (numbers.length < 2) return String(brief(median(numbers)));
  return `${brief(median(numbers))} (${brief(Math.min(...numbers))}-${brief(Math.max(...numbers))})`;
}
