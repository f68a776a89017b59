// What becomes of a presented refresh token.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decideRotation, PREDECESSOR_GRACE_MS } from '../../src/domain/rotation.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const LATER = new Date(NOW.getTime() + 86_400_000);
const ago = (ms: number) => new Date(NOW.getTime() - ms);
const live = (generation: number, rotatedMsAgo: number) => ({
  generation,
  rotatedAt: ago(rotatedMsAgo),
  revoked: false,
});
const token = (generation: number, expiresAt = LATER) => ({ generation, expiresAt });

test('the newest token is exchanged for the next one', () => {
  expect(decideRotation(token(4), live(4, 600_000), NOW)).toEqual({ kind: 'rotate', generation: 5 });
});

test('the direct predecessor within ten seconds is refused and the session lives', () => {
  const superseded = { kind: 'refuse', why: 'SUPERSEDED' };
  expect(decideRotation(token(3), live(4, 0), NOW)).toEqual(superseded);
  expect(decideRotation(token(3), live(4, PREDECESSOR_GRACE_MS), NOW)).toEqual(superseded);
});

test('a refresh that waited for the one that rotated counts as recent', () => {
  expect(decideRotation(token(3), live(4, -250), NOW)).toEqual({ kind: 'refuse', why: 'SUPERSEDED' });
});

test('the direct predecessor after ten seconds revokes the session', () => {
  expect(decideRotation(token(3), live(4, PREDECESSOR_GRACE_MS + 1), NOW)).toEqual({ kind: 'revoke' });
});

test('an older token revokes the session at any time, expired or not', () => {
  expect(decideRotation(token(2), live(4, 0), NOW)).toEqual({ kind: 'revoke' });
  expect(decideRotation(token(2, ago(1)), live(4, 0), NOW)).toEqual({ kind: 'revoke' });
});

test('an expired newest token is refused', () => {
  expect(decideRotation(token(4, NOW), live(4, 600_000), NOW)).toEqual({ kind: 'refuse', why: 'EXPIRED' });
});

test('a revoked session never gives out a token again', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.nat(60_000),
      (presented, now, ms) => {
        const session = { generation: Math.max(presented, now), rotatedAt: ago(ms), revoked: true };
        expect(decideRotation(token(presented), session, NOW)).toEqual({ kind: 'refuse', why: 'REVOKED' });
      },
    ),
  );
});

test('a token is exchanged only when it is the newest', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 9 }),
      fc.nat(60_000),
      (presented, ahead, ms) => {
        const decision = decideRotation(token(presented), live(presented + ahead, ms), NOW);
        expect(decision.kind === 'rotate').toBe(ahead === 0);
      },
    ),
  );
});
