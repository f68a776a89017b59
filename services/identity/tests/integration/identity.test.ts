// Accounts, sign-in and keys against a real database.
import { Code, ConnectError } from '@connectrpc/connect';
import { sql } from '@stoa/chassis/postgres/sql';
import { reasonOf, violationsOf } from '@stoa/chassis/rpc/errors';
import { CLIENT_ADDRESS } from '@stoa/chassis/rpc/headers';
import { type TestService, testService } from '@stoa/chassis/testing/test-service';
import { IdentityService, Role } from '@stoa/proto/stoa/identity/v1/identity_pb';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openKeyRing } from '../../src/infrastructure/signing-keys.ts';
import { identity } from '../../src/service.ts';
import { countingRandom } from '../unit/fixtures.ts';

let service: TestService;
const PASSWORD = 'correct horse battery';

beforeAll(async () => {
  service = await testService(identity, {
    postgresUrl: inject('postgresUrl'),
    env: { STOA_HASHES_PER_SECOND: '1000' },
  });
});
afterAll(() => service?.stop());

const client = () => service.client(IdentityService);
let peers = 0;
/** Every test speaks from an address of its own, so that their limits do not meet. */
const fromNewPeer = () => ({ headers: { [CLIENT_ADDRESS]: `192.0.2.${++peers}` } });
const signUp = (email: string) => client().register({ email, password: PASSWORD, name: 'Ada' }, fromNewPeer());
const failure = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
};

test('registering creates a customer account and signs it in', async () => {
  const { account, tokens } = await signUp(' Grace@Example.com ');
  expect(account).toMatchObject({ email: 'grace@example.com', name: 'Ada', role: Role.CUSTOMER });
  expect(tokens?.refreshToken).toMatch(/^[A-Za-z0-9_-]{43}$/);
  const me = await service.client(IdentityService, { user: { id: account?.id as string, role: 'customer' } }).getMe({});
  expect(me.account).toEqual(account);
});

test('an address has one account, however it is spelled and however many register at once', async () => {
  const spellings = ['once@example.com', 'ONCE@example.com', ' once@Example.com', 'oNce@example.com'];
  const results = await Promise.allSettled(spellings.map(signUp));
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  for (const result of results) {
    if (result.status === 'fulfilled') continue;
    expect(reasonOf(result.reason)).toBe('EMAIL_TAKEN');
    expect(result.reason.code).toBe(Code.AlreadyExists);
  }
});

test('a peer learns of a few addresses that they have accounts, then is slowed down, whatever it registers', async () => {
  for (let n = 0; n < 20; n++) await signUp(`taken-${n}@example.com`);
  const from = fromNewPeer();
  const tryTo = async (email: string) =>
    reasonOf(
      await client()
        .register({ email, password: PASSWORD, name: 'Eve' }, from)
        .catch((error) => error),
    );
  // Twenty calls in all: what the contract grants one address at once. Registering in earnest does not count.
  for (let n = 0; n < 6; n++) expect(await tryTo(`new-${n}@example.com`)).toBeUndefined();
  const reasons = await Promise.all(Array.from({ length: 12 }, (_, n) => tryTo(`taken-${n}@example.com`)));
  expect(reasons.toSorted()).toEqual([...Array(6).fill('EMAIL_TAKEN'), ...Array(6).fill('TOO_MANY_ATTEMPTS')]);
  expect(await tryTo('untold@example.com')).toBe('TOO_MANY_ATTEMPTS');
  expect(reasonOf(await failure(signUp('taken-1@example.com')))).toBe('EMAIL_TAKEN');
  await service.db.run(sql`update login_throttle set next_at = now()`);
  expect(await tryTo('untold@example.com')).toBeUndefined();
});

test('a request that cannot be read is refused with every violation', async () => {
  const error = await failure(client().register({ email: 'nobody', password: 'short', name: ' ' }, fromNewPeer()));
  expect(violationsOf(error).map(({ field }) => field)).toEqual(['email', 'password', 'name']);
});

test('the right password signs in; neither password nor token is stored in the clear', async () => {
  await signUp('login@example.com');
  const { account, tokens } = await client().login({ email: 'LOGIN@example.com', password: PASSWORD }, fromNewPeer());
  expect(account?.email).toBe('login@example.com');
  const { hash } = await service.db.one(sql<{ hash: string }>`
    select password_hash as hash from account where email = 'login@example.com'`);
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  const raw = Buffer.from(tokens?.refreshToken as string, 'base64url');
  const { known } = await service.db.one(sql<{ known: bigint }>`
    select count(*) as known from refresh_token where hash = ${raw}`);
  expect(known).toBe(0n);
});

test('an unknown address and a wrong password get the same answer, byte for byte', async () => {
  await signUp('known@example.com');
  const wrong = await failure(client().login({ email: 'known@example.com', password: 'wrong' }, fromNewPeer()));
  const unknown = await failure(client().login({ email: 'unknown@example.com', password: 'wrong' }, fromNewPeer()));
  expect(reasonOf(wrong)).toBe('BAD_CREDENTIALS');
  const shown = ({ code, rawMessage, details }: ConnectError) => ({ code, rawMessage, details });
  expect(shown(unknown)).toEqual(shown(wrong));
});

test('an unknown address takes as long as a wrong password', async () => {
  await signUp('timing@example.com');
  const timings: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] };
  for (let round = 0; round < 12; round++) {
    for (const kind of ['known', 'unknown'] as const) {
      const email = kind === 'known' ? 'timing@example.com' : `nobody${round}@example.com`;
      const began = service.context.clock.monotonicMs();
      await failure(client().login({ email, password: 'wrong' }, fromNewPeer()));
      timings[kind].push(service.context.clock.monotonicMs() - began);
    }
  }
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
  // Without the hash of equal cost the unknown address would take a fifth.
  expect(median(timings.unknown)).toBeGreaterThan(0.5 * median(timings.known));
  expect(median(timings.unknown)).toBeLessThan(2 * median(timings.known));
});

test('the key set verifies access tokens and holds no private part', async () => {
  const { account, tokens } = await signUp('jwks@example.com');
  const { jwksJson } = await client().getJwks({});
  const jwks = JSON.parse(jwksJson);
  expect(Object.keys(jwks.keys[0]).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  const token = tokens?.accessToken as string;
  const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), {
    algorithms: ['EdDSA'],
    typ: 'at+jwt',
    issuer: 'stoa',
    audience: 'stoa',
  });
  expect(payload).toMatchObject({ sub: account?.id, role: 'customer' });
  expect((payload.exp as number) - (payload.iat as number)).toBe(600);
  expect(BigInt(payload.exp as number)).toBe(tokens?.accessExpiresAt?.seconds);
  expect(decodeProtectedHeader(token).kid).toBe(jwks.keys[0].kid);
});

test('replicas that start at once share one key', async () => {
  const policy = { rotateAfterMs: 86_400_000, tokenLifeMs: 600_000 };
  await service.db.run(sql`delete from signing_key`);
  const random = countingRandom();
  const rings = await Promise.all([1, 2, 3, 4].map(() => openKeyRing(service.db, random, policy)));
  expect(new Set(rings.map((ring) => ring.current().kid)).size).toBe(1);
  expect(new Set(rings.map((ring) => ring.jwksJson())).size).toBe(1);
});

test('a key that is due gets a successor that is published before it signs, and both verify', async () => {
  const policy = { rotateAfterMs: 86_400_000, tokenLifeMs: 600_000 };
  const ring = await openKeyRing(service.db, service.context.random, policy);
  const first = ring.current().kid;
  await service.db.run(sql`update signing_key set active_from = now() - interval '2 days'`);
  await ring.refresh();
  expect(ring.current().kid).toBe(first);
  expect(JSON.parse(ring.jwksJson()).keys).toHaveLength(2);
  await service.db.run(sql`update signing_key set active_from = now() - interval '1 second' where kid <> ${first}`);
  await ring.refresh();
  expect(ring.current().kid).not.toBe(first);
  expect(JSON.parse(ring.jwksJson()).keys).toHaveLength(2);
  await service.db.run(sql`update signing_key set active_from = now() - interval '1 hour' where kid <> ${first}`);
  await ring.refresh();
  expect(JSON.parse(ring.jwksJson()).keys).toHaveLength(1);
});

test('guessing is slowed for known and unknown addresses alike, and the refusal says when to come back', async () => {
  await signUp('guessed@example.com');
  for (const email of ['guessed@example.com', 'never-registered@example.com']) {
    const from = fromNewPeer();
    const reasons: (string | undefined)[] = [];
    for (let guess = 0; guess < 11; guess++) {
      reasons.push(reasonOf(await failure(client().login({ email, password: `guess ${guess}` }, from))));
    }
    expect(reasons).toEqual([...Array(9).fill('BAD_CREDENTIALS'), 'TOO_MANY_ATTEMPTS', 'TOO_MANY_ATTEMPTS']);
  }
});

test('attempts at once cannot slip past the limit together', async () => {
  await signUp('parallel@example.com');
  const from = fromNewPeer();
  const guesses = Array.from({ length: 20 }, (_, guess) =>
    failure(client().login({ email: 'parallel@example.com', password: `guess ${guess}` }, from)),
  );
  const reasons = (await Promise.all(guesses)).map(reasonOf);
  expect(reasons.filter((reason) => reason === 'BAD_CREDENTIALS').length).toBeLessThanOrEqual(9);
  expect(reasons.filter((reason) => reason === 'TOO_MANY_ATTEMPTS').length).toBeGreaterThanOrEqual(11);
});

test('guessing from many addresses slows strangers but not a peer that has signed in before', async () => {
  await signUp('victim@example.com');
  const own = fromNewPeer();
  await client().login({ email: 'victim@example.com', password: PASSWORD }, own);
  let throttled = 0;
  for (let guess = 0; guess < 24; guess++) {
    const error = await failure(client().login({ email: 'victim@example.com', password: 'guess' }, fromNewPeer()));
    if (reasonOf(error) === 'TOO_MANY_ATTEMPTS') throttled++;
  }
  expect(throttled).toBeGreaterThan(0);
  const { account } = await client().login({ email: 'victim@example.com', password: PASSWORD }, own);
  expect(account?.email).toBe('victim@example.com');
});

test('the delay ends by itself: waiting is all it takes, and success clears the count', async () => {
  await signUp('patient@example.com');
  const from = fromNewPeer();
  const attempt = (password: string) => client().login({ email: 'patient@example.com', password }, from);
  for (let guess = 0; guess < 9; guess++) await failure(attempt('guess'));
  expect(reasonOf(await failure(attempt(PASSWORD)))).toBe('TOO_MANY_ATTEMPTS');
  await service.db.run(sql`update login_throttle set next_at = now()`);
  await attempt(PASSWORD);
  for (let guess = 0; guess < 8; guess++) expect(reasonOf(await failure(attempt('guess')))).toBe('BAD_CREDENTIALS');
});

test('a hash of another cost is replaced when its password is presented', async () => {
  await signUp('old-hash@example.com');
  // 'correct horse battery' at 8 MiB and one pass.
  const { argon2Sync } = await import('node:crypto');
  const salt = Buffer.alloc(16, 7);
  const cheap = { message: PASSWORD, nonce: salt, memory: 8192, passes: 1, parallelism: 1, tagLength: 32 };
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '');
  const stored = `$argon2id$v=19$m=8192,t=1,p=1$${base64(salt)}$${base64(argon2Sync('argon2id', cheap))}`;
  await service.db.run(sql`update account set password_hash = ${stored} where email = 'old-hash@example.com'`);
  for (let time = 0; time < 2; time++) {
    await client().login({ email: 'old-hash@example.com', password: PASSWORD }, fromNewPeer());
    const { hash } = await service.db.one(sql<{ hash: string }>`
      select password_hash as hash from account where email = 'old-hash@example.com'`);
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  }
});

test('getMe hides an account that no longer exists', async () => {
  const ghost = { id: '01890000-0000-7000-8000-00000000dead', role: 'customer' } as const;
  const error = await failure(service.client(IdentityService, { user: ghost }).getMe({}));
  expect(reasonOf(error)).toBe('ACCOUNT_NOT_FOUND');
});

test('forgetting deletes counts that no longer matter and keeps known peers', async () => {
  await service.db.run(sql`update login_throttle set touched_at = now() - interval '1 hour'`);
  await service.runJob('forget');
  const left = await service.db.rows(sql<{ known: boolean }>`select known_until > now() as known from login_throttle`);
  expect(left.length).toBeGreaterThan(0);
  expect(left.every((row) => row.known)).toBe(true);
});
