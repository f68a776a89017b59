import { Code } from '@connectrpc/connect';
import { type CryptoKey, exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AuthenticateOptions, createAuthenticate } from '../../src/rpc/authenticate.ts';
import type { Identity } from '../../src/rpc/authorize.ts';
import { createCredentialKeys, signServiceCredential } from '../../src/rpc/credentials.ts';
import { reasonOf } from '../../src/rpc/errors.ts';
import { type ManualClock, manualClock, settle } from './rpc-fixture.ts';

const MINUTE = 60_000;
let key: CryptoKey;
let otherKey: CryptoKey;
let keySet: JSONWebKeySet;
let otherKeySet: JSONWebKeySet;

beforeAll(async () => {
  const make = async (kid: string) => {
    const { privateKey, publicKey } = await generateKeyPair('Ed25519', { extractable: true });
    const keys = [{ ...(await exportJWK(publicKey)), kid, alg: 'EdDSA' }];
    return [privateKey, { keys } as JSONWebKeySet] as const;
  };
  [key, keySet] = await make('one');
  [otherKey, otherKeySet] = await make('two');
});

interface TokenChanges {
  readonly typ?: string;
  readonly issuer?: string;
  readonly audience?: string;
  readonly claims?: Record<string, unknown>;
  readonly kid?: string;
  readonly signedBy?: CryptoKey;
}

function token(clock: ManualClock, changes: TokenChanges = {}): Promise<string> {
  return new SignJWT({ role: 'customer', ...changes.claims })
    .setProtectedHeader({ alg: 'EdDSA', typ: changes.typ ?? 'at+jwt', kid: changes.kid ?? 'one' })
    .setIssuer(changes.issuer ?? 'stoa')
    .setAudience(changes.audience ?? 'stoa')
    .setSubject('u1')
    .setExpirationTime(new Date(clock.now().getTime() + 10 * MINUTE))
    .sign(changes.signedBy ?? key);
}

function setup(options: Partial<AuthenticateOptions> = {}) {
  const clock = manualClock();
  const authenticate = createAuthenticate({
    clock,
    services: { from: 'transport' },
    keys: async () => keySet,
    ...options,
  });
  const call = (headers: Record<string, string>, service?: string) =>
    authenticate({ service, header: (name) => headers[name], headers: () => new Headers(headers) });
  const asUser = async (bearer: string) => call({ authorization: `Bearer ${bearer}` });
  return { clock, call, asUser };
}

async function refusal(identity: Promise<Identity>) {
  const error = await identity.then(
    () => undefined,
    (thrown: unknown) => thrown as { code: Code },
  );
  return [error?.code, reasonOf(error)];
}

const INVALID = [Code.Unauthenticated, 'TOKEN_INVALID'];
const EXPIRED = [Code.Unauthenticated, 'TOKEN_EXPIRED'];

describe('access tokens', () => {
  it('tell the user and are passed on', async () => {
    const { clock, asUser } = setup();
    const bearer = await token(clock);
    expect(await asUser(bearer)).toEqual({ services: [], user: { id: 'u1', role: 'customer' }, token: bearer });
  });

  it('are recognised without waiting the second time', async () => {
    const { clock, call } = setup();
    const headers = { authorization: `Bearer ${await token(clock)}` };
    expect(call(headers)).toBeInstanceOf(Promise);
    await call(headers);
    expect(call(headers)).not.toBeInstanceOf(Promise);
  });

  it('expire, also when they were recognised before', async () => {
    const { clock, asUser } = setup();
    const bearer = await token(clock);
    await asUser(bearer);
    await clock.advance(11 * MINUTE);
    expect(await refusal(asUser(bearer))).toEqual(EXPIRED);
    expect(await refusal(asUser(bearer))).toEqual(EXPIRED);
  });

  it.each<[string, TokenChanges]>([
    ['type', { typ: 'svc+jwt' }],
    ['issuer', { issuer: 'somebody' }],
    ['audience', { audience: 'somebody' }],
    ['role', { claims: { role: 'admin' } }],
  ])('with another %s are refused', async (_, changes) => {
    const { clock, asUser } = setup();
    expect(await refusal(asUser(await token(clock, changes)))).toEqual(INVALID);
  });

  it('signed by another key under a known id are refused', async () => {
    const { clock, asUser } = setup();
    expect(await refusal(asUser(await token(clock, { signedBy: otherKey })))).toEqual(INVALID);
  });

  it('with a symmetric signature are refused', async () => {
    const { asUser } = setup();
    const forged = await new SignJWT({ role: 'staff' })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'one' })
      .setExpirationTime('1h')
      .sign(new Uint8Array(32));
    expect(await refusal(asUser(forged))).toEqual(INVALID);
  });

  it.each(['garbage', 'a.b.c', ''])('that are %o are refused', async (bearer) => {
    const { asUser } = setup();
    expect(await refusal(asUser(bearer))).toEqual(INVALID);
  });

  it('of a withdrawn key are refused once the keys were renewed, also when they were recognised before', async () => {
    let current = { keys: [...keySet.keys, ...otherKeySet.keys] };
    const { clock, asUser } = setup({ keys: async () => current });
    const [withdrawn, good] = [await token(clock), await token(clock, { kid: 'two', signedBy: otherKey })];
    await Promise.all([asUser(withdrawn), asUser(good)]);
    current = otherKeySet as typeof current;
    await clock.advance(5 * MINUTE);
    // This call still has the known keys, and lets them be fetched.
    expect((await asUser(withdrawn)).user?.id).toBe('u1');
    await settle();
    expect(await refusal(asUser(withdrawn))).toEqual(INVALID);
    expect((await asUser(good)).user?.id).toBe('u1');
  });

  it('go on being accepted while the keys cannot be renewed, for half an hour', async () => {
    const state = { away: false, fetched: 0 };
    const keys = async () => {
      state.fetched += 1;
      if (state.away) throw new Error('identity is away');
      return keySet;
    };
    const { clock, asUser } = setup({ keys });
    await asUser(await token(clock));
    state.away = true;
    for (let minute = 1; minute < 30; minute++) {
      await clock.advance(MINUTE);
      expect((await asUser(await token(clock))).user?.id).toBe('u1');
    }
    const known = await token(clock);
    await asUser(known);
    expect(state.fetched).toBe(1 + 25);
    await clock.advance(MINUTE);
    expect((await refusal(asUser(known)))[0]).toBe(Code.Unavailable);
    state.away = false;
    expect((await asUser(known)).user?.id).toBe('u1');
  });

  it('of an unknown key make it fetch the keys again, at most every 10 seconds', async () => {
    let fetched = 0;
    let current = keySet;
    const keys = async () => {
      fetched += 1;
      return current;
    };
    const { clock, asUser } = setup({ keys });
    await asUser(await token(clock));
    current = otherKeySet;
    const rotated = await token(clock, { kid: 'two', signedBy: otherKey });
    expect(await refusal(asUser(rotated))).toEqual(INVALID);
    expect(fetched).toBe(1);
    await clock.advance(10_000);
    expect((await asUser(rotated)).user?.id).toBe('u1');
    expect(fetched).toBe(2);
    expect(await refusal(asUser(await token(clock, { kid: 'three' })))).toEqual(INVALID);
    expect(fetched).toBe(2);
  });

  it('cannot be judged while the keys cannot be fetched: Unavailable, and tried again at the next call', async () => {
    let broken = true;
    const keys = async () => {
      if (broken) throw new Error('identity is down');
      return keySet;
    };
    const { clock, asUser } = setup({ keys });
    const bearer = await token(clock);
    expect(await refusal(asUser(bearer))).toEqual([Code.Unavailable, undefined]);
    broken = false;
    expect((await asUser(bearer)).user?.id).toBe('u1');
  });

  it('go on working with the known keys when fetching new ones fails', async () => {
    let broken = false;
    const keys = async () => {
      if (broken) throw new Error('identity is down');
      return keySet;
    };
    const { clock, asUser } = setup({ keys });
    await asUser(await token(clock));
    broken = true;
    await clock.advance(10_000);
    expect(await refusal(asUser(await token(clock, { kid: 'new' })))).toEqual(INVALID);
    expect((await asUser(await token(clock, { claims: { role: 'staff' } }))).user?.role).toBe('staff');
  });
});

describe('service credentials', () => {
  it('tell the names of the services, and are recognised without waiting the second time', async () => {
    const { signingKey, trustKey } = await createCredentialKeys();
    const { call } = setup({ services: { from: 'credential', trustKey } });
    const headers = { 'x-stoa-service-credential': await signServiceCredential(signingKey, ['cart', 'orders']) };
    expect(await call(headers)).toMatchObject({ services: ['cart', 'orders'] });
    expect(call(headers)).toEqual({ services: ['cart', 'orders'], user: undefined, token: undefined });
  });

  it('of another key are refused', async () => {
    const [ours, theirs] = [await createCredentialKeys(), await createCredentialKeys()];
    const { call } = setup({ services: { from: 'credential', trustKey: ours.trustKey } });
    const headers = { 'x-stoa-service-credential': await signServiceCredential(theirs.signingKey, ['bff']) };
    expect(await refusal(Promise.resolve(call(headers)))).toEqual([Code.PermissionDenied, 'CALLER_NOT_ALLOWED']);
  });

  it('cannot be an access token, nor the other way round', async () => {
    const { signingKey, trustKey } = await createCredentialKeys();
    const { clock, call, asUser } = setup({ services: { from: 'credential', trustKey } });
    const credential = await signServiceCredential(signingKey, ['cart']);
    expect(await refusal(asUser(credential))).toEqual(INVALID);
    const headers = { 'x-stoa-service-credential': await token(clock) };
    expect(await refusal(Promise.resolve(call(headers)))).toEqual([Code.PermissionDenied, 'CALLER_NOT_ALLOWED']);
  });

  it('are not looked at when the transport knows the caller', async () => {
    const { trustKey } = await createCredentialKeys();
    const { call } = setup({ services: { from: 'credential', trustKey } });
    expect(call({ 'x-stoa-service-credential': 'garbage' }, 'cart')).toMatchObject({ services: ['cart'] });
  });

  it('are made for service names only', async () => {
    const { signingKey } = await createCredentialKeys();
    await expect(signServiceCredential(signingKey, ['Cart'])).rejects.toThrow('not a service name');
    await expect(signServiceCredential(signingKey, [])).rejects.toThrow('at least one');
  });
});

describe('the mesh', () => {
  const services = { from: 'mesh', namespace: 'stoa' } as const;
  const suffix = 'serviceaccount.identity.linkerd.cluster.local';
  it.each([
    [`cart.stoa.${suffix}`, ['cart']],
    [`cart-orders.stoa.${suffix}`, ['cart', 'orders']],
    [`cart.other.${suffix}`, []],
    ['cart.stoa.somewhere.else', []],
    [undefined, []],
  ])('identity %s means the services %o', (identity, expected) => {
    const { call } = setup({ services });
    expect(call(identity === undefined ? {} : { 'l5d-client-id': identity })).toMatchObject({ services: expected });
  });

  it('is believed only when configured', () => {
    const { call } = setup();
    expect(call({ 'l5d-client-id': `cart.stoa.${suffix}` })).toMatchObject({ services: [] });
  });
});
