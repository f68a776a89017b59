// Which version of a service does its background work. Stable versions share it as replicas do; the canary handles its
// share of the consumers' messages and nothing else: timers, jobs, numbering and sending stay with stable. Read from the
// row `canary`, so that a pod that is promoted becomes stable as it runs, and one that is rolled back falls silent.
import type { Log } from '../log.ts';
import type { Database, Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import type { Clock } from '../runtime.ts';

export type Lane = 'unknown' | 'stable' | 'canary' | 'silent';

/** What this process is to its service; `unknown` until it was read. */
export type CurrentLane = () => Lane;

export const ALWAYS_STABLE: CurrentLane = () => 'stable';

export interface CanaryRow {
  readonly version: string;
  readonly percent: number;
  readonly state: 'running' | 'rolled back' | 'promoted';
  /** Whether the version that asks was the canary once, and another one replaced it before it was promoted. */
  readonly isRejected: boolean;
}

/** The lane of a version, given what is known of the canary. */
export function laneOf(version: string, canary: CanaryRow | undefined): Lane {
  if (canary === undefined) return 'stable';
  if (canary.version !== version) return canary.isRejected ? 'silent' : 'stable';
  if (canary.state === 'promoted') return 'stable';
  return canary.state === 'running' ? 'canary' : 'silent';
}

/** The canary of this service, as `version` must know it; undefined when there never was one. */
export function readCanary(db: Queryable, version: string): Promise<CanaryRow | undefined> {
  return db.maybe(sql<CanaryRow>`
    select version, percent, state,
      exists (select from canary_rejected r where r.version = ${version}) as "isRejected"
    from canary`);
}

export interface LaneOptions {
  readonly db: Database;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Told after each look, also when nothing changed. */
  readonly onLane: (lane: Lane) => void;
}

const LOOK_MS = 2000;
const RETRY_MS = 500;
const KNOWN_MS = 20;

/** Follows the row. What was read last holds while the database cannot be asked: nothing is done without it. */
export function followLane({ db, version, clock, log, onLane }: LaneOptions) {
  let lane: Lane = 'unknown';
  return {
    current: (): Lane => lane,
    /** Resolves once it is known, or when the signal aborts. */
    async known(signal: AbortSignal): Promise<void> {
      while (lane === 'unknown' && !signal.aborted) await clock.sleep(KNOWN_MS, signal);
    },
    async run(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        try {
          const now = laneOf(version, await readCanary(db, version));
          if (now !== lane && lane !== 'unknown') log.info('this version has another part now', { state: now });
          else if (now !== lane && now === 'silent')
            log.warn('this version was rejected: it does no work', { state: now });
          lane = now;
          onLane(lane);
          await clock.sleep(LOOK_MS, signal);
        } catch (error) {
          log.debug('the canary of this service could not be read', { error });
          await clock.sleep(RETRY_MS, signal);
        }
      }
    },
  };
}
