// Which passwords are accepted, and how their hashes are written down.
import { expect, test } from 'vitest';
import { isAcceptablePassword, isPresentablePassword, normalizePassword } from '../../src/domain/password.ts';
import { encodePhc, needsRehash, parsePhc } from '../../src/domain/phc.ts';
import { COST, hashPassword, unmatchableHash, verifyPassword } from '../../src/infrastructure/argon2.ts';
import { countingRandom } from './fixtures.ts';

test('a new password has 8 to 128 characters, counted as people count them', () => {
  expect(isAcceptablePassword('1234567')).toBe(false);
  expect(isAcceptablePassword('12345678')).toBe(true);
  expect(isAcceptablePassword('        ')).toBe(true);
  expect(isAcceptablePassword('🔑'.repeat(7))).toBe(false);
  expect(isAcceptablePassword('🔑'.repeat(128))).toBe(true);
  expect(isAcceptablePassword('x'.repeat(129))).toBe(false);
  expect(isAcceptablePassword('12345678\ud800')).toBe(false);
});

test('a presented password is only refused when nobody can have chosen it', () => {
  expect(isPresentablePassword('')).toBe(false);
  expect(isPresentablePassword('short')).toBe(true);
  expect(isPresentablePassword('x'.repeat(513))).toBe(false);
});

test('a password is the same however its accents were composed', () => {
  expect(normalizePassword('cafe\u0301-1234')).toBe(normalizePassword('caf\u00e9-1234'));
});

test('a hash is an argon2id PHC string that verifies its password and no other', async () => {
  const text = await hashPassword('correct horse', countingRandom());
  expect(text).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(await verifyPassword('correct horse', parsePhc(text))).toBe(true);
  expect(await verifyPassword('correct horsf', parsePhc(text))).toBe(false);
});

test('equal passwords get different hashes', async () => {
  const random = countingRandom();
  expect(await hashPassword('correct horse', random)).not.toBe(await hashPassword('correct horse', random));
});

test('the hash for unknown addresses costs what a real one costs', () => {
  expect(unmatchableHash(countingRandom()).cost).toEqual(COST);
});

test('what was encoded is parsed back, and a hash of another cost is due for renewal', () => {
  const hash = { cost: { memoryKib: 8192, passes: 3, lanes: 2 }, salt: Buffer.alloc(16, 1), tag: Buffer.alloc(32, 2) };
  expect(parsePhc(encodePhc(hash))).toEqual(hash);
  expect(needsRehash(hash, hash.cost)).toBe(false);
  expect(needsRehash(hash, COST)).toBe(true);
});

test('a stored hash that is none is an error, not a wrong password', () => {
  expect(() => parsePhc('$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$dGFndGFndGFndGFndGFndA')).toThrow(/not an argon2id/);
  expect(() => parsePhc('')).toThrow();
});
