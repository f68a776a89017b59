// A replica's place at a consumer's watermark: its lease, and what must be known to apply what comes next. Whatever is
// known here is forgotten with the place and read again with the next one: another replica may have worked meanwhile,
// or this process may have stood still without noticing.
import type { Database } from '../postgres/database.ts';
import type { Clock } from '../runtime.ts';
import { blockedAggregates, leaseWatermark, type Watermark } from './inbox.ts';

const LEASE_SECONDS = 10;
export const RENEW_MS = 3000;

export interface PlaceOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly consumer: string;
  readonly topic: string;
  readonly instance: string;
}

export interface Place {
  /** How far this consumer is; undefined while another replica, or nobody, is known to hold the place. */
  watermark(): Watermark | undefined;
  /** Aggregates with an open parked message: their later messages wait. */
  blocked(): ReadonlySet<string>;
  block(aggregateId: string): void;
  /** Only these are blocked any more. */
  stillBlocked(left: Set<string>): void;
  /** A canary may have left, or given back, what was handed to it. */
  hasHanded(): boolean;
  isLeaseDue(): boolean;
  /** Whether another replica may have taken over by now. */
  isLeaseOver(): boolean;
  /** Takes or renews the place; the watermark as it stands, or undefined when another replica has it. */
  take(): Promise<Watermark | undefined>;
  moved(to: Watermark): void;
  /** The watermark is not what it was believed to be, or that is not known. */
  forget(): void;
  /** A clean end: others need not wait for the lease. */
  giveBack(): Promise<void>;
}

export function createPlace({ db, clock, consumer, topic, instance }: PlaceOptions): Place {
  let watermark: Watermark | undefined;
  let blocked = new Set<string>();
  let hasHanded = false;
  let leasedAt = Number.NEGATIVE_INFINITY;
  const sinceMs = () => clock.monotonicMs() - leasedAt;
  return {
    watermark: () => watermark,
    blocked: () => blocked,
    block(aggregateId) {
      blocked.add(aggregateId);
    },
    stillBlocked(left) {
      blocked = left;
    },
    hasHanded: () => hasHanded,
    isLeaseDue: () => sinceMs() > RENEW_MS,
    isLeaseOver: () => sinceMs() > LEASE_SECONDS * 1000,
    async take() {
      // From before it was asked for: the lease is not over later than this process believes.
      const askedAt = clock.monotonicMs();
      const found = await leaseWatermark(db, consumer, topic, { owner: instance, seconds: LEASE_SECONDS });
      // In a statement of its own: the one that waits for the lease's row may not see what its holder parked last.
      if (found !== undefined) blocked = await blockedAggregates(db, consumer, topic);
      leasedAt = found === undefined ? Number.NEGATIVE_INFINITY : askedAt;
      hasHanded = found?.hasHanded === true;
      watermark = found;
      return found;
    },
    moved(to) {
      watermark = to;
    },
    forget() {
      watermark = undefined;
    },
    async giveBack() {
      if (watermark !== undefined) {
        await leaseWatermark(db, consumer, topic, { owner: instance, seconds: 0 }).catch(() => {});
      }
      watermark = undefined;
      leasedAt = Number.NEGATIVE_INFINITY;
    },
  };
}
