// Sessions and their refresh tokens in SQL. Tokens are opaque; only their SHA-256 is stored, so a stolen database opens
// no session. A fast hash is enough: the token has 256 random bits.
import { createHash } from 'node:crypto';
import type { Queryable, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Random } from '@stoa/chassis/runtime';
import type { PresentedToken, SessionState } from '../domain/rotation.ts';
import type { RoleName } from './accounts.ts';

const TOKEN_BYTES = 32;

export type RevocationReason = 'LOGOUT' | 'REUSE' | 'PASSWORD_CHANGE';

export interface RefreshToken {
  readonly text: string;
  readonly expiresAt: Date;
}

export interface FoundToken {
  readonly sessionId: string;
  readonly accountId: string;
  readonly role: RoleName;
  readonly token: PresentedToken;
  readonly session: SessionState;
  /** The database's clock. */
  readonly now: Date;
}

export function newTokenText(random: Random): string {
  return Buffer.from(random.bytes(TOKEN_BYTES)).toString('base64url');
}

/** Whether it has a token's form; anything else need not be looked up. */
export function isTokenText(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Starts a session with its first token. */
export async function startSession(
  tx: Tx,
  session: { readonly id: string; readonly accountId: string; readonly token: string; readonly days: number },
): Promise<RefreshToken> {
  const { id, accountId, token, days } = session;
  const { expires_at } = await tx.one(sql<{ expires_at: Date }>`
    insert into session (id, account_id, expires_at)
    values (${id}, ${accountId}, now() + make_interval(days => ${days}))
    returning expires_at`);
  await insertToken(tx, token, id, 1, expires_at);
  return { text: token, expiresAt: expires_at };
}

function insertToken(tx: Tx, text: string, sessionId: string, generation: number, expiresAt: Date): Promise<number> {
  return tx.run(sql`
    insert into refresh_token (hash, session_id, generation, expires_at)
    values (${digest(text)}, ${sessionId}, ${generation}, ${expiresAt})`);
}

interface TokenRow {
  readonly session_id: string;
  readonly account_id: string;
  readonly role: RoleName;
  readonly token_generation: number;
  readonly token_expires_at: Date;
  readonly generation: number;
  readonly rotated_at: Date;
  readonly revoked: boolean;
  readonly now: Date;
}

/**
 * The token with its session, which stays locked: of several refreshes at once one comes first, and the others see what
 * it did. Token rows never change, so locking the session is enough.
 */
export async function lockToken(tx: Tx, text: string): Promise<FoundToken | undefined> {
  const row = await tx.maybe(sql<TokenRow>`
    select s.id as session_id, s.account_id, a.role, t.generation as token_generation, t.expires_at as token_expires_at,
      s.generation, s.rotated_at, s.revoked_at is not null as revoked, now() as now
    from refresh_token t
    join session s on s.id = t.session_id
    join account a on a.id = s.account_id
    where t.hash = ${digest(text)}
    for update of s`);
  if (row === undefined) return undefined;
  return {
    sessionId: row.session_id,
    accountId: row.account_id,
    role: row.role,
    token: { generation: row.token_generation, expiresAt: row.token_expires_at },
    session: { generation: row.generation, rotatedAt: row.rotated_at, revoked: row.revoked },
    now: row.now,
  };
}

/** Moves the locked session on to its next token. */
export async function rotateSession(
  tx: Tx,
  next: { readonly sessionId: string; readonly generation: number; readonly token: string; readonly days: number },
): Promise<RefreshToken> {
  const { sessionId, generation, token, days } = next;
  const { expires_at } = await tx.one(sql<{ expires_at: Date }>`
    update session
    set generation = ${generation}, rotated_at = now(), expires_at = now() + make_interval(days => ${days})
    where id = ${sessionId} and generation = ${generation - 1} and revoked_at is null
    returning expires_at`);
  await insertToken(tx, token, sessionId, generation, expires_at);
  return { text: token, expiresAt: expires_at };
}

export async function revokeSession(tx: Queryable, sessionId: string, reason: RevocationReason): Promise<void> {
  await tx.run(sql`
    update session set revoked_at = now(), revoked_for = ${reason} where id = ${sessionId} and revoked_at is null`);
}

/** Revokes the session that the token belongs to, newest token or not; does nothing for an unknown one. */
export async function revokeByToken(tx: Queryable, text: string, reason: RevocationReason): Promise<void> {
  await tx.run(sql`
    update session set revoked_at = now(), revoked_for = ${reason}
    where id = (select session_id from refresh_token where hash = ${digest(text)}) and revoked_at is null`);
}

export async function revokeAllSessions(tx: Queryable, accountId: string, reason: RevocationReason): Promise<void> {
  await tx.run(sql`
    update session set revoked_at = now(), revoked_for = ${reason}
    where account_id = ${accountId} and revoked_at is null`);
}

const FORGET_MAX = 1000;

/** Deletes what can no longer be used: without its row a token is as dead as with it. Returns whether more is left. */
export async function forgetSessions(db: Queryable): Promise<boolean> {
  const sessions = await db.run(sql`
    delete from session where id in (select id from session where expires_at < now() limit ${FORGET_MAX})`);
  const tokens = await db.run(sql`
    delete from refresh_token where hash in (select hash from refresh_token where expires_at < now() limit ${FORGET_MAX})`);
  return sessions === FORGET_MAX || tokens === FORGET_MAX;
}
