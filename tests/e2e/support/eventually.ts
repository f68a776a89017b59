import { vi } from 'vitest';

/** Far beyond what anything takes: reaching it means that it does not happen. */
const TIMEOUT_MS = 90_000;

/** Waits until `assertion` holds. For what happens by itself, behind an answer that was given already. */
export function eventually<T>(assertion: () => T | Promise<T>, timeoutMs = TIMEOUT_MS): Promise<T> {
  return vi.waitFor(assertion, { timeout: timeoutMs, interval: 100 });
}

/** Runs `work` for each item, at most `width` at a time; results in the items' order. */
export async function eachAtOnce<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>) {
  const results: R[] = [];
  const waiting = [...items.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      results[next[0]] = await work(next[1]);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
