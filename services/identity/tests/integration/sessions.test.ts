// Refresh tokens, their theft, and staff accounts against a real database.
import { Code, type ConnectError } from '@connectrpc/connect';
import { sql } from '@stoa/chassis/postgres/sql';
import { reasonOf } from '@stoa/chassis/rpc/errors';
import { CLIENT_ADDRESS } from '@stoa/chassis/rpc/headers';
import { type TestService, testService } from '@stoa/chassis/testing/test-service';
import { IdentityService, Role } from '@stoa/proto/stoa/identity/v1/identity_pb';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { identity } from '../../src/service.ts';

let service: TestService;
const PASSWORD = 'correct horse battery';

beforeAll(async () => {
  service = await testService(identity, { postgresUrl: inject('postgresUrl'), logLevel: 'silent' });
});
afterAll(() => service?.stop());

const client = () => service.client(IdentityService);
let callers = 0;
const fromNewPeer = () => ({ headers: { [CLIENT_ADDRESS]: `198.51.100.${++callers}` } });

async function newSession(): Promise<{ accountId: string; token: string; email: string }> {
  const email = `session${callers}@example.com`;
  const { account, tokens } = await client().register({ email, password: PASSWORD, name: 'Ada' }, fromNewPeer());
  return { accountId: account?.id as string, token: tokens?.refreshToken as string, email };
}

async function refreshed(token: string): Promise<string> {
  const { tokens } = await client().refresh({ refreshToken: token }, fromNewPeer());
  return tokens?.refreshToken as string;
}

async function refusal(token: string): Promise<string | undefined> {
  try {
    await refreshed(token);
  } catch (error) {
    expect((error as ConnectError).code).toBe(Code.Unauthenticated);
    return reasonOf(error);
  }
  return 'none';
}

/** Moves the last rotation out of the predecessor's grace. */
const letTimePass = (accountId: string) =>
  service.db.run(sql`update session set rotated_at = now() - interval '11 seconds' where account_id = ${accountId}`);

const revocations = (accountId: string) =>
  service.db.rows(sql<{ revoked_for: string | null }>`select revoked_for from session where account_id = ${accountId}`);

test('a refresh token is exchanged for a new one and a new access token', async () => {
  const { token, accountId } = await newSession();
  const { tokens } = await client().refresh({ refreshToken: token }, fromNewPeer());
  expect(tokens?.refreshToken).not.toBe(token);
  expect(decodeJwt(tokens?.accessToken as string).sub).toBe(accountId);
  expect(await refreshed(tokens?.refreshToken as string)).toMatch(/^[A-Za-z0-9_-]{43}$/);
});

test('the thief uses the token first: the owner coming after revokes the session', async () => {
  const { token, accountId } = await newSession();
  const thief = await refreshed(token);
  await letTimePass(accountId);
  expect(await refusal(token)).toBe('REFRESH_TOKEN_INVALID');
  expect(await refusal(thief)).toBe('REFRESH_TOKEN_INVALID');
  expect(await revocations(accountId)).toEqual([{ revoked_for: 'REUSE' }]);
});

test('the owner uses the token first: the thief coming after revokes the session', async () => {
  const { token: stolen, accountId } = await newSession();
  const owner = await refreshed(await refreshed(stolen));
  expect(await refusal(stolen)).toBe('REFRESH_TOKEN_INVALID');
  expect(await refusal(owner)).toBe('REFRESH_TOKEN_INVALID');
  expect(await revocations(accountId)).toEqual([{ revoked_for: 'REUSE' }]);
});

test('the direct predecessor within ten seconds is refused and the session lives on', async () => {
  const { token } = await newSession();
  const next = await refreshed(token);
  expect(await refusal(token)).toBe('REFRESH_TOKEN_SUPERSEDED');
  expect(await refusal(token)).toBe('REFRESH_TOKEN_SUPERSEDED');
  expect(await refusal(next)).toBe('none');
});

test('of ten refreshes at once exactly one succeeds and the session lives on', async () => {
  // Opens every connection of the pool: otherwise the first refresh is done before the second one can begin.
  await Promise.all(Array.from({ length: 10 }, () => service.db.rows(sql`select pg_sleep(0.05)`)));
  for (let round = 0; round < 5; round++) {
    const { token } = await newSession();
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => refreshed(token)));
    const winners = results.filter((result) => result.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(reasonOf(result.reason)).toBe('REFRESH_TOKEN_SUPERSEDED');
    }
    expect(await refusal(winners[0]?.value as string)).toBe('none');
  }
});

test('a revoked session does not touch the account\u2019s other sessions', async () => {
  const { token, accountId, email } = await newSession();
  const other = await client().login({ email, password: PASSWORD }, fromNewPeer());
  await refreshed(token);
  await letTimePass(accountId);
  await refusal(token);
  expect(await refusal(other.tokens?.refreshToken as string)).toBe('none');
});

test('logout ends the session for every token of it, can be repeated, and ignores unknown tokens', async () => {
  const { token } = await newSession();
  const next = await refreshed(token);
  for (const refreshToken of [token, token, 'unknown', 'A'.repeat(43), '']) await client().logout({ refreshToken });
  expect(await refusal(next)).toBe('REFRESH_TOKEN_INVALID');
});

test('unknown, malformed and expired tokens get the same refusal', async () => {
  const { token, accountId } = await newSession();
  await service.db.run(sql`
    update refresh_token set expires_at = now()
    where session_id = (select id from session where account_id = ${accountId})`);
  for (const bad of [token, 'A'.repeat(43), 'x', '']) expect(await refusal(bad)).toBe('REFRESH_TOKEN_INVALID');
});

test('what has expired is forgotten, what lives is kept', async () => {
  const { token, accountId } = await newSession();
  const live = await newSession();
  await service.db.run(sql`update session set expires_at = now() - interval '1 s' where account_id = ${accountId}`);
  expect(await service.runJob('forget')).toBe(false);
  expect(await revocations(accountId)).toEqual([]);
  expect(await refusal(token)).toBe('REFRESH_TOKEN_INVALID');
  expect(await refusal(live.token)).toBe('none');
});

test('ensureStaff creates a staff account; repeating it changes nothing and signs nobody out', async () => {
  const staff = { email: 'ops@example.com', password: 'operators password', name: 'Ops' };
  const { account } = await client().ensureStaff(staff);
  expect(account?.role).toBe(Role.STAFF);
  const { tokens } = await client().login(staff, fromNewPeer());
  expect(decodeJwt(tokens?.accessToken as string).role).toBe('staff');
  const again = await client().ensureStaff({ ...staff, name: 'Operations' });
  expect(again.account).toMatchObject({ id: account?.id, name: 'Operations' });
  expect(await refusal(tokens?.refreshToken as string)).toBe('none');
});

test('a new staff password ends every session that the old one started', async () => {
  const staff = { email: 'rotated@example.com', password: 'operators password', name: 'Ops' };
  await client().ensureStaff(staff);
  const { tokens } = await client().login(staff, fromNewPeer());
  await client().ensureStaff({ ...staff, password: 'another password' });
  expect(await refusal(tokens?.refreshToken as string)).toBe('REFRESH_TOKEN_INVALID');
  await expect(client().login(staff, fromNewPeer())).rejects.toMatchObject({ code: Code.Unauthenticated });
  await client().login({ ...staff, password: 'another password' }, fromNewPeer());
});

test('whoever registered the address before it became staff has no session and no password left', async () => {
  const { token, email, accountId } = await newSession();
  const { account } = await client().ensureStaff({ email, password: 'operators password', name: 'Ops' });
  expect(account).toMatchObject({ id: accountId, role: Role.STAFF });
  expect(await refusal(token)).toBe('REFRESH_TOKEN_INVALID');
  await expect(client().login({ email, password: PASSWORD }, fromNewPeer())).rejects.toMatchObject({
    code: Code.Unauthenticated,
  });
});

test('a sign-in that a password change overtakes starts no session', async () => {
  const { email, accountId } = await newSession();
  let overtaken: Promise<unknown> | undefined;
  await service.db.transact(async (tx) => {
    await tx.run(sql`update account set password_hash = 'changed' || password_hash where id = ${accountId}`);
    overtaken = client()
      .login({ email, password: PASSWORD }, fromNewPeer())
      .catch((error: unknown) => error);
    const isWaiting = () =>
      service.db.rows(sql<{ pid: number }>`
        select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
    await expect.poll(isWaiting).toHaveLength(1);
  });
  expect(reasonOf(await overtaken)).toBe('BAD_CREDENTIALS');
  expect(await revocations(accountId)).toHaveLength(1);
});
