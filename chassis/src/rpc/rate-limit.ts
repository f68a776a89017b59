// Token buckets, one for each client of a method that states a limit. Buckets live in this process: a limit is a
// protection against abuse, not an account, so replicas need not agree.
import { Code, type ConnectError } from '@connectrpc/connect';
import type { Clock } from '../runtime.ts';
import { refuse } from './errors.ts';
import type { MethodRules } from './policy.ts';
import { createBoundedMap } from './two-generations.ts';

/** Clients remembered for each method. Forgetting one early only gives it a full bucket again. */
const CLIENTS_MAX = 20_000;

interface Bucket {
  tokens: number;
  refilledAtMs: number;
}

/** Takes a token for a client; returns the refusal when there is none. */
export type RateLimiter = (client: string) => ConnectError | undefined;

export function createRateLimiter(limit: NonNullable<MethodRules['rateLimit']>, clock: Clock): RateLimiter {
  const buckets = createBoundedMap<Bucket>(CLIENTS_MAX);
  return (client) => {
    const now = clock.monotonicMs();
    let bucket = buckets.get(client);
    if (bucket === undefined) {
      bucket = { tokens: limit.burst, refilledAtMs: now };
      buckets.set(client, bucket);
    }
    const refill = ((now - bucket.refilledAtMs) * limit.perSecond) / 1000;
    bucket.tokens = Math.min(limit.burst, bucket.tokens + refill);
    bucket.refilledAtMs = now;
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return undefined;
    }
    const waitMs = Math.ceil(((1 - bucket.tokens) * 1000) / limit.perSecond);
    return refuse(Code.ResourceExhausted, 'RATE_LIMITED', `too many requests, try again in ${waitMs} ms`, {
      retry_after_ms: String(waitMs),
    });
  };
}
