// argon2id from Node's own crypto. The work runs on libuv's thread pool, never on the event loop; how many run at once
// is the queue's matter (passwords.ts).
import { argon2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Random } from '@stoa/chassis/runtime';
import { type Argon2Cost, encodePhc, type PasswordHash } from '../domain/phc.ts';

const derive = promisify(argon2);

/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane; about 30 ms here. */
export const COST: Argon2Cost = { memoryKib: 19_456, passes: 2, lanes: 1 };

const SALT_BYTES = 16;
const TAG_BYTES = 32;

async function tagOf(password: string, cost: Argon2Cost, salt: Uint8Array, tagLength: number): Promise<Buffer> {
  return derive('argon2id', {
    message: password,
    nonce: salt,
    memory: cost.memoryKib,
    passes: cost.passes,
    parallelism: cost.lanes,
    tagLength,
  });
}

/** Hashes with a new salt; the result is a PHC string. */
export async function hashPassword(password: string, random: Random): Promise<string> {
  const salt = random.bytes(SALT_BYTES);
  return encodePhc({ cost: COST, salt, tag: await tagOf(password, COST, salt, TAG_BYTES) });
}

/** Whether the password made this hash. Takes as long for a wrong one as for the right one. */
export async function verifyPassword(password: string, hash: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await tagOf(password, hash.cost, hash.salt, hash.tag.length), hash.tag);
}

/** A hash that no password has: what an unknown address is verified against, so that it costs the same time. */
export function unmatchableHash(random: Random): PasswordHash {
  return { cost: COST, salt: random.bytes(SALT_BYTES), tag: random.bytes(TAG_BYTES) };
}
