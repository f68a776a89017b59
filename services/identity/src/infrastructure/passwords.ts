// Passwords as the handlers use them: hashing and verifying behind a bounded queue, for hashing is the one thing here that
// can saturate the machine (two cores do 74 a second).
import { type BoundedQueueOptions, createBoundedQueue } from '@stoa/chassis/bounded-queue';
import type { Random } from '@stoa/chassis/runtime';
import { normalizePassword } from '../domain/password.ts';
import { needsRehash, parsePhc } from '../domain/phc.ts';
import { COST, hashPassword, unmatchableHash, verifyPassword } from './argon2.ts';

export interface Verdict {
  readonly matches: boolean;
  /** The hash was made at another cost than today's: replace it while the password is at hand. */
  readonly outdated: boolean;
}

export interface Passwords {
  /** The PHC string to store. Throws RESOURCE_EXHAUSTED(OVERLOADED) when too many wait. */
  hash(password: string, signal?: AbortSignal): Promise<string>;
  /** Compares with a stored hash, or with one that nothing matches when there is none; both take the same time. */
  verify(password: string, stored: string | undefined, signal?: AbortSignal): Promise<Verdict>;
}

export function createPasswords(random: Random, options: BoundedQueueOptions): Passwords {
  const queue = createBoundedQueue(options);
  const dummy = unmatchableHash(random);
  return {
    hash: (password, signal) => queue(() => hashPassword(normalizePassword(password), random), signal),
    verify: async (password, stored, signal) => {
      const hash = stored === undefined ? dummy : parsePhc(stored);
      const matches = await queue(() => verifyPassword(normalizePassword(password), hash), signal);
      return { matches, outdated: needsRehash(hash, COST) };
    },
  };
}
