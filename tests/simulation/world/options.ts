// What a world is like: drawn from its seed, printed when it fails.
import type { Rng } from '../kernel/random.ts';
import type { BusOdds } from '../ports/bus-odds.ts';
import type { NetworkOdds } from '../ports/network.ts';
import type { DatabaseOdds } from '../ports/server.ts';

export type Mode = 'safety' | 'liveness';

export interface WorldOptions {
  readonly seed: number;
  readonly mode: Mode;
  /** Services of each process. */
  readonly layout: readonly (readonly string[])[];
  readonly batchMax: number;
  readonly hurry: number;
  readonly holdSeconds: number;
  /** Also longer than the hold: then stock is gone when the customer comes back from the bank. */
  readonly paymentActionSeconds: number;
  readonly callDeadlineMs: number;
  readonly concurrency: number;
  readonly lateChargeMs: number;
  readonly reconcileEveryMs: number;
  readonly reconcileGraceMs: number;
  readonly ackWaitMs: number;
  readonly duplicateWindowMs: number;
  readonly database: DatabaseOdds;
  readonly bus: BusOdds;
  readonly network: NetworkOdds;
  /** Mean time between two of the plan's faults. */
  readonly faultEveryMs: number;
  /** A request to the provider is believed lost and arrives late, by up to `providerLateMaxMs`. */
  readonly providerLate: number;
  readonly providerLateMaxMs: number;
  readonly faultKinds: readonly FaultKind[];
  /** Kill a process about every so many of its port calls; 0 for never. */
  readonly fuse: number;
  readonly clients: number;
  readonly ordersEach: number;
  readonly thinkMaxMs: number;
  readonly skus: number;
  readonly unitsEach: number;
  readonly troublesomeCards: number;
  /** How often a customer calls the order off. */
  readonly cancels: number;
}

export const FAULT_KINDS = [
  'kill',
  'kill at an await',
  'kill all',
  'pause',
  'clock jump',
  'broker freeze',
  'broker wipe',
  'broker roll back',
  'broker purge',
  'broker cut off',
  'link cut',
  'swizzle',
  'database away',
  'failover',
  'provider stall',
  'method withdrawn',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

const ALL = ['catalog', 'inventory', 'shipping', 'cart', 'payments', 'orders', 'notifications'];
/** Of what there are two replicas in some worlds; the heavier the name, the more there is to go wrong. */
const CORE = ['inventory', 'payments', 'payments', 'payments', 'orders', 'orders', 'cart', 'shipping'];

function drawLayout(rng: Rng): string[][] {
  const kind = rng.below(4);
  if (kind === 0) return [ALL];
  if (kind === 1) return ALL.map((name) => [name]);
  if (kind === 2) return [ALL, ...[...new Set(rng.shuffle(CORE))].slice(0, 2).map((name) => [name])];
  const shuffled = rng.shuffle(ALL);
  const at = 2 + rng.below(3);
  return [shuffled.slice(0, at), shuffled.slice(at), [rng.pick(CORE)]];
}

/** A probability that is zero in many worlds, small in most and large in some. */
function odds(rng: Rng, max: number): number {
  return rng.chance(0.35) ? 0 : max * rng.next() ** 3;
}

export function drawOptions(seed: number, mode: Mode, rng: Rng): WorldOptions {
  const size = rng.pick([3, 6, 6, 10]);
  return {
    seed,
    mode,
    layout: drawLayout(rng),
    paymentActionSeconds: rng.fork('payment action').pick([5, 20, 70]),
    batchMax: rng.pick([1, 2, 5, 256, 256]),
    hurry: rng.pick([1, 2, 4, 8]),
    holdSeconds: 60,
    callDeadlineMs: rng.pick([50, 500, 3000]),
    concurrency: rng.pick([2, 4, 64]),
    lateChargeMs: rng.pick([200, 5000, 20_000]),
    reconcileEveryMs: rng.pick([1000, 5000, 15_000]),
    reconcileGraceMs: rng.pick([2000, 10_000]),
    ackWaitMs: rng.pick([500, 5000, 30_000]),
    duplicateWindowMs: rng.pick([100, 5000, 120_000]),
    database: drawDatabase(rng),
    bus: drawBus(rng),
    network: drawNetwork(rng),
    providerLate: rng.pick([0, 0, 0.05, 0.3]),
    providerLateMaxMs: rng.pick([200, 5000, 40_000]),
    faultEveryMs: rng.pick([300, 1000, 3000, 10_000]),
    faultKinds: rng.shuffle(FAULT_KINDS).slice(0, 2 + rng.below(FAULT_KINDS.length - 1)),
    fuse: rng.pick([0, 0, 300, 1500]),
    clients: 2 + rng.below(size),
    ordersEach: 1 + rng.below(3),
    thinkMaxMs: rng.pick([50, 500, 3000]),
    skus: 1 + rng.below(3),
    unitsEach: 2 + rng.below(12),
    troublesomeCards: rng.pick([0, 0.3, 0.6, 0.9]),
    cancels: rng.pick([0.1, 0.2, 0.8]),
  };
}

function drawDatabase(rng: Rng): DatabaseOdds {
  return {
    broken: odds(rng, 0.05),
    answerLost: odds(rng, 0.05),
    commitLost: odds(rng, 0.05),
    slowCommit: odds(rng, 0.5),
    slowCommitMaxMs: rng.pick([20, 500, 3000]),
    latencyMaxMs: rng.pick([1, 5, 50]),
  };
}

function drawBus(rng: Rng): BusOdds {
  return {
    duplicate: odds(rng, 0.6),
    late: odds(rng, 0.5),
    lateMaxMs: rng.pick([100, 3000, 60_000]),
    ackLost: odds(rng, 0.5),
    publishAckLost: odds(rng, 0.3),
    publishPartial: odds(rng, 0.2),
    beaconLost: odds(rng, 1),
    latencyMaxMs: rng.pick([2, 20, 300]),
  };
}

function drawNetwork(rng: Rng): NetworkOdds {
  return {
    requestLost: odds(rng, 0.2),
    answerLost: odds(rng, 0.2),
    stall: odds(rng, 0.2),
    stallMaxMs: rng.pick([500, 6000]),
    latencyMaxMs: rng.pick([2, 20, 200]),
  };
}
