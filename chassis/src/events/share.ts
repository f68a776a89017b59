// Which messages of a topic the canary of a consumer handles: a share of the aggregates, always the same ones, so that
// more of them follow and none changes sides when the share grows. Pure.
import { createHash } from 'node:crypto';

const BUCKETS = 100;

/** The aggregate's place among a hundred, the same in every process and every version. */
export function bucketOf(aggregateId: string): number {
  return createHash('sha256').update(aggregateId).digest().readUInt32BE(0) % BUCKETS;
}

/** Whether an aggregate belongs to the canary's share. 0 is none, 100 all of them. */
export function isShared(aggregateId: string, percent: number): boolean {
  return percent > 0 && bucketOf(aggregateId) < percent;
}
