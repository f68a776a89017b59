// Attempts at one account, and registrations of one peer, in the database: shared by all replicas, kept over restarts. An
// attempt is charged in one conditional statement before it learns anything, so however many arrive at once, each counts.
import { createHash } from 'node:crypto';
import type { Database, Queryable, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import {
  ACCOUNT_POLICY,
  delaySchedule,
  FORGET_AFTER_SECONDS,
  KNOWN_PEER_DAYS,
  PEER_POLICY,
  REGISTER_POLICY,
} from '../domain/throttle.ts';

const PEER_DELAYS = delaySchedule(PEER_POLICY);
const ACCOUNT_DELAYS = delaySchedule(ACCOUNT_POLICY);
const REGISTER_DELAYS = delaySchedule(REGISTER_POLICY);

/** What an attempt is counted under. Unknown addresses are counted too, so that they behave like known ones. */
export interface AttemptKeys {
  readonly peer: Buffer;
  readonly account: Buffer;
}

export type Charge =
  | { readonly allowed: true; readonly accountCharged: boolean }
  | { readonly allowed: false; readonly waitMs: number };

const digest = (...parts: string[]) => createHash('sha256').update(parts.join('\0')).digest();

export function registerKey(peer: string | undefined): Buffer {
  return digest('register', peer ?? '');
}

export function attemptKeys(email: string, peer: string | undefined): AttemptKeys {
  return { peer: digest('peer', email, peer ?? ''), account: digest('account', email) };
}

/** Counts an attempt under both keys, unless one of them has to wait; a refused attempt is not counted. */
export function chargeAttempt(db: Database, keys: AttemptKeys): Promise<Charge> {
  return db.transact(async (tx) => {
    const byPeer = await charge(tx, keys.peer, PEER_DELAYS);
    if (byPeer === undefined) return { allowed: false, waitMs: await waitOf(tx, keys.peer) };
    if (byPeer.known) return { allowed: true, accountCharged: false };
    const byAccount = await charge(tx, keys.account, ACCOUNT_DELAYS);
    if (byAccount === undefined) return { allowed: false, waitMs: await waitOf(tx, keys.account) };
    return { allowed: true, accountCharged: true };
  });
}

function charge(tx: Tx, key: Buffer, delays: readonly number[]): Promise<{ known: boolean } | undefined> {
  return tx.maybe(sql<{ known: boolean }>`
    insert into login_throttle as t (key, failures, next_at, touched_at)
    values (${key}, 1, now(), now())
    on conflict (key) do update set
      failures = case when t.touched_at < now() - make_interval(secs => ${FORGET_AFTER_SECONDS})
                      then 1 else t.failures + 1 end,
      next_at = now() + make_interval(secs => (${delays}::float8[])[least(
        case when t.touched_at < now() - make_interval(secs => ${FORGET_AFTER_SECONDS})
             then 1 else t.failures + 1 end, ${delays.length}::int)]),
      touched_at = now()
    where t.next_at <= now()
    returning coalesce(known_until > now(), false) as known`);
}

/** Milliseconds until the next attempt under the key; 0 when it may come. */
export async function waitOf(db: Queryable, key: Buffer): Promise<number> {
  const found = await db.maybe(sql<{ wait: number }>`
    select greatest(0, ceil(extract(epoch from next_at - now()) * 1000))::int as wait
    from login_throttle where key = ${key}`);
  return found?.wait ?? 0;
}

/** Counts a registration of the peer; false when it has to wait. Others of the peer wait for the transaction to end. */
export async function chargeRegistration(tx: Tx, key: Buffer): Promise<boolean> {
  return (await charge(tx, key, REGISTER_DELAYS)) !== undefined;
}

/** The registration told nothing of anybody: it does not count. */
export async function refundRegistration(tx: Tx, key: Buffer): Promise<void> {
  await tx.run(sql`update login_throttle set failures = failures - 1, next_at = now() where key = ${key}`);
}

/** The attempt succeeded: the peer's count ends and it becomes known; the account gets back what it was charged. */
export async function refundAttempt(tx: Queryable, keys: AttemptKeys, accountCharged: boolean): Promise<void> {
  await tx.run(sql`
    update login_throttle
    set failures = 0, next_at = now(), known_until = now() + make_interval(days => ${KNOWN_PEER_DAYS})
    where key = ${keys.peer}`);
  if (!accountCharged) return;
  await tx.run(sql`
    update login_throttle set failures = greatest(0, failures - 1), next_at = now() where key = ${keys.account}`);
}

/** Forgets counts that no longer matter. */
export async function forgetAttempts(db: Queryable): Promise<void> {
  await db.run(sql`
    delete from login_throttle
    where touched_at < now() - make_interval(secs => ${FORGET_AFTER_SECONDS})
      and coalesce(known_until < now(), true)`);
}
