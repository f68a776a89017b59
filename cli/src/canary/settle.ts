// Tells a service's database how its canary ended, where nobody told it: `promote --full` and a Rollout that is made anew
// skip the step that does, an abort has none. Argo's own status is the truth; leases and metrics would only be guesses.
// Ending twice changes nothing, so the steps of a Rollout, a person and this may all tell the same.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '@stoa/chassis/log';
import type { Database } from '@stoa/chassis/postgres/database';
import {
  type CanaryState,
  endCanary,
  type RejectedCanary,
  readCanaryState,
  readRejected,
} from '../operate/canary-row.ts';

/** What Argo Rollouts says of a service's Rollout; hashes are the pods' STOA_VERSION. */
export interface RolloutStatus {
  readonly stableRS?: string;
  readonly currentPodHash?: string;
  readonly abort?: boolean;
}

export interface Settlement {
  readonly version: string;
  readonly state: 'promoted' | 'rolled back';
  readonly why: string;
}

/** What the database must be told, given what it knows. */
export function settlementOf(
  { stableRS, currentPodHash, abort }: RolloutStatus,
  row: CanaryState | undefined,
  rejected: readonly RejectedCanary[],
): Settlement | undefined {
  const running = row?.state === 'running' ? row.version : undefined;
  // Replaced by the next canary before anybody told that it was promoted: all its pods are silent.
  const superseded = rejected.filter(({ state }) => state === 'superseded').map(({ version }) => version);
  if (stableRS !== undefined && [running, ...superseded].includes(stableRS)) {
    return { version: stableRS, state: 'promoted', why: 'it is the stable version of its Rollout' };
  }
  if (abort === true && running !== undefined && running === currentPodHash) {
    return { version: running, state: 'rolled back', why: 'its Rollout was aborted' };
  }
  return undefined;
}

export interface SettleOptions {
  /** By service, whose Rollout has the same name. */
  readonly databases: Readonly<Record<string, Database>>;
  /** Undefined where there is no such Rollout. */
  readonly readRollout: (name: string) => Promise<RolloutStatus | undefined>;
  readonly log: Log;
}

/** Looks at every service again and again until the signal. One that cannot be asked does not keep the others. */
export async function settleAgain(options: SettleOptions, everyMs: number, signal: AbortSignal): Promise<void> {
  const { databases, log } = options;
  while (!signal.aborted) {
    for (const service of Object.keys(databases)) {
      await settleOnce(options, service).catch((error: unknown) =>
        log.error('a canary could not be settled; trying again', { service, error }),
      );
    }
    await sleep(everyMs, undefined, { signal }).catch(() => {});
  }
}

/** The row is read first: whoever shares the version again after that (a retry) has changed it, and then it stays. */
async function settleOnce({ databases, readRollout, log }: SettleOptions, service: string): Promise<void> {
  const db = databases[service] as Database;
  const row = await readCanaryState(db);
  const rejected = await readRejected(db);
  if (row?.state !== 'running' && !rejected.some(({ state }) => state === 'superseded')) return;
  const settlement = settlementOf((await readRollout(service)) ?? {}, row, rejected);
  if (settlement === undefined) return;
  const { version, state, why } = settlement;
  const ended = await endCanary(db, version, { state, why, revision: row?.revision });
  if (ended) log.info('told a database how its canary ended', { service, id: version, state, reason: why });
}
