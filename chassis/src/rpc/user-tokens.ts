// Access tokens of users, verified by every service itself: signature, type, issuer, audience, expiry. A verified
// token is remembered until it expires, so the signature is checked once for each token and not for each call; the
// expiry is checked every time.
import { Code, ConnectError } from '@connectrpc/connect';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import type { Clock } from '../runtime.ts';
import type { User } from './caller.ts';
import { refuse } from './errors.ts';
import { createBoundedMap } from './two-generations.ts';

const TOKENS_MAX = 5_000;
/** An unknown key id makes us ask for the keys again, but not more often than this: anybody can invent key ids. */
const REFETCH_AFTER_MS = 10_000;
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
  const keySet = createKeySet(keys, clock);

  const verify = async (token: string): Promise<User> => {
    const rules = { ...RULES, currentDate: clock.now(), requiredClaims: ['exp', 'sub', 'role'] };
    const check = async (again: boolean): Promise<JWTPayload> => {
      const { payload } = await jwtVerify(token, await keySet(again), rules);
      return payload;
    };
    const payload = await check(false).catch((error: unknown) => {
      if (error instanceof errors.JWKSNoMatchingKey) return check(true);
      throw error;
    });
    const found = { user: readUser(payload), expiresAtMs: (payload.exp as number) * 1000 };
    verified.set(token, found);
    return found.user;
  };
  return (token) => {
    const known = verified.get(token);
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

/** The keys, fetched once; `again` fetches anew unless that was done a moment ago. */
function createKeySet(keys: () => Promise<JSONWebKeySet>, clock: Clock) {
  let current: Promise<ReturnType<typeof createLocalJWKSet>> | undefined;
  let fetchedAtMs = 0;
  const fetchKeys = () => {
    fetchedAtMs = clock.monotonicMs();
    const fetching = keys().then(createLocalJWKSet, () => {
      if (current === fetching) current = undefined;
      throw new ConnectError('the keys of access tokens cannot be fetched', Code.Unavailable);
    });
    current = fetching;
    return fetching;
  };
  return async (again: boolean) => {
    if (current === undefined) return fetchKeys();
    if (!again || clock.monotonicMs() - fetchedAtMs < REFETCH_AFTER_MS) return current;
    // The keys in use stay in use when fetching fails: a new key can wait, the old ones must go on working.
    const before = current;
    return fetchKeys().catch(() => {
      current ??= before;
      return before;
    });
  };
}
