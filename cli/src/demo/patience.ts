// What a correct client does when the shop does not answer: the same request again, under the same idempotency key,
// with growing pauses, until it is answered or the limit is reached.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure, Result } from './graphql.ts';

export interface Patience {
  /** How long one request is repeated before its failure is given back. */
  readonly limitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Told before each repetition. */
  readonly onRetry?: (failure: Failure) => void;
}

const FIRST_PAUSE_MS = 100;
const PAUSE_MAX_MS = 3000;

/** Pause before the n-th repetition (from 0), without jitter. */
export const pauseMs = (retry: number) => Math.min(PAUSE_MAX_MS, FIRST_PAUSE_MS * 2 ** Math.min(retry, 10));

/** Repeats `request` while its failure says that it may succeed later. The caller makes sure that it may be repeated. */
export async function withPatience<T>(
  request: () => Promise<Result<T>>,
  { limitMs, signal, onRetry }: Patience,
): Promise<Result<T>> {
  const until = performance.now() + limitMs;
  for (let retry = 0; ; retry++) {
    const answer = await request();
    if (answer.ok || !answer.retryable) return answer;
    // Full jitter upwards: clients that a crash has synchronised drift apart again.
    const pause = pauseMs(retry) * (0.5 + Math.random());
    if (signal?.aborted || performance.now() + pause > until) return answer;
    onRetry?.(answer);
    await sleep(pause, undefined, signal === undefined ? {} : { signal }).catch(() => {});
  }
}
