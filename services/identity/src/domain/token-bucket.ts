// A token bucket as a pure function: `capacity` calls at once, `perSecond` refilled.

export interface BucketPolicy {
  readonly capacity: number;
  readonly perSecond: number;
}

export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

export interface BucketDecision {
  readonly bucket: Bucket;
  readonly taken: boolean;
  /** When the next call can succeed; 0 when this one did. */
  readonly waitMs: number;
}

export function fullBucket(policy: BucketPolicy, nowMs: number): Bucket {
  return { tokens: policy.capacity, atMs: nowMs };
}

/** Takes one token if there is one. A clock that stands still or steps back refills nothing. */
export function takeToken(policy: BucketPolicy, bucket: Bucket, nowMs: number): BucketDecision {
  const elapsedMs = Math.max(0, nowMs - bucket.atMs);
  const tokens = Math.min(policy.capacity, bucket.tokens + (elapsedMs * policy.perSecond) / 1000);
  const atMs = Math.max(nowMs, bucket.atMs);
  if (tokens >= 1) return { bucket: { tokens: tokens - 1, atMs }, taken: true, waitMs: 0 };
  const waitMs = Math.ceil(((1 - tokens) * 1000) / policy.perSecond);
  return { bucket: { tokens, atMs }, taken: false, waitMs };
}

/** Gives back a token that was taken. */
export function returnToken(policy: BucketPolicy, bucket: Bucket): Bucket {
  return { ...bucket, tokens: Math.min(policy.capacity, bucket.tokens + 1) };
}
