// The database server of a world: who may use the one connection now, which databases are away, and what goes wrong.
import type { Kernel } from '../kernel/kernel.ts';
import type { Rng } from '../kernel/random.ts';
import type { Incarnation } from './process.ts';
import type { Store } from './store.ts';

/** Odds of what can go wrong with one request, while faults are on. */
export interface DatabaseOdds {
  /** The connection breaks before the statement or transaction has any effect. */
  readonly broken: number;
  /** It was done, and the answer is lost. */
  readonly answerLost: number;
  /** The commit was sent and never happened, and nobody says so. */
  readonly commitLost: number;
  /** The transaction commits later, after others that began after it. */
  readonly slowCommit: number;
  readonly slowCommitMaxMs: number;
  readonly latencyMaxMs: number;
}

export const NO_DATABASE_FAULTS: DatabaseOdds = {
  broken: 0,
  answerLost: 0,
  commitLost: 0,
  slowCommit: 0,
  slowCommitMaxMs: 0,
  latencyMaxMs: 1,
};

/** The right to use the connection, for one statement or transaction. */
export interface Lease {
  readonly owner: Incarnation;
  /** The transaction that is open now. */
  open?: OpenTransaction;
}

export interface OpenTransaction {
  readonly database: string;
  /** How far its consumers were when it began: what is committed, whatever it has written itself. */
  readonly committed: ReadonlyMap<string, bigint>;
}

/** The database of an outside party: requests to it go astray on the way and arrive later. */
export interface Outside {
  readonly database: string;
  readonly late: number;
  readonly lateMaxMs: number;
}

export const NOBODY: Outside = { database: '', late: 0, lateMaxMs: 0 };

export interface DatabaseServer {
  readonly store: Store;
  readonly kernel: Kernel;
  readonly rng: Rng;
  odds: DatabaseOdds;
  outside: Outside;
  /** Until then nothing reaches the outside party. */
  stalledUntil: number;
  /** Databases that refuse connections now. */
  readonly away: Set<string>;
  /** Waits for the connection; calls back within this event when it is free. */
  acquire(owner: Incarnation, granted: (lease: Lease) => void): void;
  release(lease: Lease): void;
  /** When each event was committed, on the kernel's clock: a row's own time is its transaction's first moment. */
  readonly committedMs: Map<string, number>;
  /** Counts a fault. */
  count(fault: string): void;
  /** Who holds the connection now. */
  readonly holder: Lease | undefined;
}

export function createDatabaseServer(
  store: Store,
  kernel: Kernel,
  rng: Rng,
  count: (fault: string) => void,
): DatabaseServer {
  const queue: { owner: Incarnation; granted: (lease: Lease) => void }[] = [];
  let holder: Lease | undefined;

  function next(): void {
    while (holder === undefined && queue.length > 0) {
      const { owner, granted } = queue.shift() as (typeof queue)[number];
      if (owner.life === 'dead') continue;
      holder = { owner };
      granted(holder);
    }
  }

  return {
    store,
    kernel,
    rng,
    odds: NO_DATABASE_FAULTS,
    outside: NOBODY,
    stalledUntil: 0,
    away: new Set(),
    committedMs: new Map(),
    count,
    get holder() {
      return holder;
    },
    acquire(owner, granted) {
      queue.push({ owner, granted });
      next();
    },
    release(lease) {
      if (holder !== lease) return;
      holder = undefined;
      if (queue.length > 0) kernel.schedule(0, 'database', 'next transaction', next);
    },
  };
}
