// Access tokens of users, verified by every service itself: signature, type, issuer, audience, expiry. A verified
// token is remembered until it expires or a key comes or goes, so the signature is checked once for each token and not
// for each call; the expiry is checked every time.
import { Code, ConnectError } from '@connectrpc/connect';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import type { Clock } from '../runtime.ts';
import type { User } from './caller.ts';
import { refuse } from './errors.ts';
import { createBoundedMap } from './two-generations.ts';

const TOKENS_MAX = 5_000;
/** An unknown key id makes us ask for the keys again, but not more often than this: anybody can invent key ids. */
const REFETCH_AFTER_MS = 10_000;
/** A key that is withdrawn has to be forgotten: the keys are fetched anew at this age, while the known ones serve. */
const RENEW_AFTER_MS = 5 * 60_000;
/** Keys that could not be renewed for this long serve no more: longer than any token lives that they may have signed. */
const DISTRUST_AFTER_MS = 30 * 60_000;
const RULES = { algorithms: ['EdDSA'], typ: 'at+jwt', issuer: 'stoa', audience: 'stoa' };

/** The user of a token. Synchronous when it was verified before. Throws refusals. */
export type VerifyUserToken = (token: string) => User | Promise<User>;

interface Verified {
  readonly user: User;
  readonly expiresAtMs: number;
}

export function createUserTokenVerifier(keys: () => Promise<JSONWebKeySet>, clock: Clock): VerifyUserToken {
  const verified = createBoundedMap<Verified>(TOKENS_MAX);
  const pending = new Map<string, Promise<User>>();
  const keySet = createKeySet(keys, clock, () => verified.clear());

  const verify = async (token: string): Promise<User> => {
    const rules = { ...RULES, currentDate: clock.now(), requiredClaims: ['exp', 'sub', 'role'] };
    const check = async (again: boolean) => {
      const used = await keySet.get(again);
      const { payload } = await jwtVerify(token, used.find, rules);
      return { payload, used };
    };
    const { payload, used } = await check(false).catch((error: unknown) => {
      if (error instanceof errors.JWKSNoMatchingKey) return check(true);
      throw error;
    });
    const found = { user: readUser(payload), expiresAtMs: (payload.exp as number) * 1000 };
    if (keySet.holds(used)) verified.set(token, found);
    return found.user;
  };
  return (token) => {
    const known = keySet.isFresh() ? verified.get(token) : undefined;
    if (known !== undefined) {
      if (known.expiresAtMs > clock.now().getTime()) return known.user;
      verified.delete(token);
      throw expired();
    }
    let running = pending.get(token);
    if (running === undefined) {
      running = verify(token)
        .catch((error: unknown) => {
          throw toRefusal(error);
        })
        .finally(() => pending.delete(token));
      pending.set(token, running);
    }
    return running;
  };
}

function readUser(payload: JWTPayload): User {
  const { sub, role } = payload;
  if (typeof sub !== 'string' || sub === '') throw new errors.JWTInvalid('no subject');
  if (role !== 'customer' && role !== 'staff') throw new errors.JWTInvalid('unknown role');
  return { id: sub, role };
}

function expired(): ConnectError {
  return refuse(Code.Unauthenticated, 'TOKEN_EXPIRED', 'the access token has expired');
}

function toRefusal(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof errors.JWTExpired) return expired();
  return refuse(Code.Unauthenticated, 'TOKEN_INVALID', 'the access token is not valid');
}

interface KeySet {
  /** Whether the keys are of an age to be relied on; sees to it that they stay so. */
  isFresh(): boolean;
  /** The keys; `again` asks anew for a key that is missing. Unavailable when there are none to be relied on. */
  get(again: boolean): Promise<Keys>;
  /** Whether these are still the keys. */
  holds(keys: Keys): boolean;
}

interface Keys {
  readonly text: string;
  readonly find: ReturnType<typeof createLocalJWKSet>;
}

/** `onChange` is told when a key came or went. */
function createKeySet(fetchSet: () => Promise<JSONWebKeySet>, clock: Clock, onChange: () => void): KeySet {
  let current: Keys | undefined;
  let fetchedAtMs = 0;
  let triedAtMs = 0;
  let fetching: Promise<Keys> | undefined;

  const load = async (): Promise<Keys> => {
    const startedAtMs = clock.monotonicMs();
    triedAtMs = startedAtMs;
    try {
      const set = await fetchSet();
      const text = JSON.stringify(set);
      if (current?.text !== text) {
        current = { text, find: createLocalJWKSet(set) };
        onChange();
      }
      fetchedAtMs = startedAtMs;
      return current;
    } catch {
      throw new ConnectError('the keys of access tokens cannot be fetched', Code.Unavailable);
    } finally {
      fetching = undefined;
    }
  };
  const fetchKeys = () => {
    fetching ??= load();
    return fetching;
  };
  const mayTry = () => fetching !== undefined || clock.monotonicMs() - triedAtMs >= REFETCH_AFTER_MS;
  const isFresh = () => {
    const ageMs = clock.monotonicMs() - fetchedAtMs;
    if (ageMs >= RENEW_AFTER_MS && mayTry()) fetchKeys().catch(() => {});
    return current !== undefined && ageMs < DISTRUST_AFTER_MS;
  };
  return {
    isFresh,
    holds: (keys) => keys === current,
    async get(again) {
      const known = current;
      if (known === undefined || !isFresh()) return fetchKeys();
      // The keys in use stay in use when fetching fails: a new key can wait, the old ones must go on working.
      return again && mayTry() ? fetchKeys().catch(() => known) : known;
    },
  };
}
