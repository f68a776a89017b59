// What each command means for a reservation in each state.
import { expect, test } from 'vitest';
import {
  answerReserve,
  decideCommit,
  decideRelease,
  decideShip,
  type Reservation,
} from '../../src/domain/reservation.ts';

function reservation(changes: Partial<Reservation>): Reservation {
  const base = { orderId: 'o', lines: [], expiresAt: undefined, overdue: false, reason: '', blockingSkus: [] };
  return { ...base, state: 'HELD', ...changes };
}

const held = reservation({});
const overdue = reservation({ overdue: true });
const committed = reservation({ state: 'COMMITTED' });
const shipped = reservation({ state: 'SHIPPED' });
const released = reservation({ state: 'RELEASED', reason: 'RELEASED' });
const expired = reservation({ state: 'RELEASED', reason: 'EXPIRED' });
const refused = reservation({ state: 'REFUSED', reason: 'INSUFFICIENT_STOCK', blockingSkus: ['a'] });

test('a repeated reserve is answered by what became of the first', () => {
  expect(answerReserve(held)).toEqual({ kind: 'reserved' });
  expect(answerReserve(overdue)).toEqual({ kind: 'reserved' });
  expect(answerReserve(committed)).toEqual({ kind: 'reserved' });
  expect(answerReserve(shipped)).toEqual({ kind: 'reserved' });
  expect(answerReserve(refused)).toEqual({ kind: 'refused', reason: 'INSUFFICIENT_STOCK', skus: ['a'] });
});

test('a reserve after the release is refused, whatever ended the reservation', () => {
  const answer = { kind: 'refused', reason: 'ALREADY_RELEASED', skus: [] };
  expect(answerReserve(released)).toEqual(answer);
  expect(answerReserve(expired)).toEqual(answer);
});

test('a hold is committed until its end, and stays committed', () => {
  expect(decideCommit(held)).toEqual({ kind: 'commit' });
  expect(decideCommit(committed)).toEqual({ kind: 'committed-before' });
  expect(decideCommit(shipped)).toEqual({ kind: 'committed-before' });
});

test('a hold past its end is not committed, whether or not its units went back already', () => {
  expect(decideCommit(overdue)).toEqual({ kind: 'refused', reason: 'HOLD_EXPIRED' });
  expect(decideCommit(expired)).toEqual({ kind: 'refused', reason: 'HOLD_EXPIRED' });
});

test('what was never held, or was given back, is not committed', () => {
  for (const nothing of [undefined, released, refused]) {
    expect(decideCommit(nothing)).toEqual({ kind: 'refused', reason: 'NOT_HELD' });
  }
});

test('a release gives back what is held or committed, remembers what is unknown, and else only answers', () => {
  expect([held, overdue, committed].map(decideRelease)).toEqual(['give-back', 'give-back', 'give-back']);
  expect(decideRelease(undefined)).toBe('tombstone');
  expect([shipped, released, expired, refused].map(decideRelease)).toEqual(Array(4).fill('nothing'));
});

test('a shipment takes out what is committed, once, and nothing else', () => {
  expect(decideShip(committed)).toBe('ship');
  expect(decideShip(shipped)).toBe('shipped-before');
  for (const other of [undefined, held, overdue, released, expired, refused])
    expect(decideShip(other)).toBe('not-committed');
});
