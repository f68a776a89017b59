// Where our state and the provider's record cannot both be true.
import { expect, test } from 'vitest';
import type { Input, Payment } from '../../src/domain/payment.ts';
import { compare, type ProviderRecord, REMEDIED, unknownPayment } from '../../src/domain/reconcile.ts';
import { after, approved, authorize, cancel, capture, declined, ORDER, PAYMENT } from './fixtures.ts';

const record = (change: Partial<ProviderRecord> = {}): ProviderRecord => ({
  paymentId: PAYMENT,
  orderId: ORDER,
  reference: 'ref',
  state: 'AUTHORIZED',
  amountMinor: 4200n,
  currency: 'EUR',
  capturedMinor: 0n,
  refundedMinor: 0n,
  captureKey: '',
  changedAt: new Date(0),
  ...change,
});
const CAPTURED = record({ state: 'CAPTURED', capturedMinor: 4200n });
const REFUNDED = record({ state: 'REFUNDED', capturedMinor: 4200n, refundedMinor: 4200n });

const at = (...inputs: Input[]) => after(inputs).payment as Payment;
const authorized = at(authorize, approved('authorize'));
const captured = at(authorize, approved('authorize'), capture, approved('capture'));
const refunded = at(authorize, approved('authorize'), capture, approved('capture'), cancel, approved('refund'));
const voided = at(authorize, cancel, approved('void'));
const refused = at(authorize, declined('authorize'));

const found = (payment: Payment, ...records: ProviderRecord[]) =>
  compare(payment, records).map(({ kind, remedy }) => (remedy === undefined ? kind : `${kind}: ${remedy.operation}`));

test('payments that agree have no findings', () => {
  expect(found(authorized, record())).toEqual([]);
  expect(found(captured, CAPTURED)).toEqual([]);
  expect(found(refunded, REFUNDED)).toEqual([]);
  for (const dead of [voided, refused]) {
    expect(found(dead)).toEqual([]);
    for (const state of ['VOIDED', 'DECLINED'] as const) expect(found(dead, record({ state }))).toEqual([]);
    expect(found(dead, REFUNDED)).toEqual([]);
  }
});

test('money that appears under a dead payment goes back, held or taken', () => {
  for (const dead of [voided, refused, refunded]) {
    expect(found(dead, record())).toEqual(['LATE_AUTHORIZATION: void']);
    expect(found(dead, record({ state: 'ACTION_REQUIRED' }))).toEqual(['LATE_AUTHORIZATION: void']);
    expect(found(dead, CAPTURED)).toEqual(['LATE_CHARGE: refund']);
  }
});

test('a second record of a living payment goes back, the first stays', () => {
  expect(found(captured, CAPTURED, record({ reference: 'other' }))).toEqual(['DUPLICATE_CHARGE: void']);
  const taken = { ...CAPTURED, reference: 'other' };
  expect(found(captured, CAPTURED, taken)).toEqual(['DUPLICATE_CHARGE: refund']);
  expect(found(captured, CAPTURED, record({ reference: 'other', state: 'VOIDED' }))).toEqual([]);
});

test('the kinds that are said to be settled without a person are those that have a remedy', () => {
  const other = record({ reference: 'other' });
  const all = [
    ...[voided, refused, refunded].flatMap((dead) => [...compare(dead, [record()]), ...compare(dead, [CAPTURED])]),
    ...compare(captured, [CAPTURED, other]),
    ...compare(captured, []),
    ...compare(authorized, [CAPTURED]),
    ...compare(captured, [{ ...CAPTURED, capturedMinor: 4100n }]),
    ...[unknownPayment(CAPTURED)].filter((finding) => finding !== undefined),
  ];
  const withRemedy = all.filter(({ remedy }) => remedy !== undefined).map(({ kind }) => kind);
  const without = all.filter(({ remedy }) => remedy === undefined).map(({ kind }) => kind);
  expect(new Set(withRemedy)).toEqual(new Set(REMEDIED));
  expect(without.filter((kind) => REMEDIED.includes(kind))).toEqual([]);
});

test('what only a person can judge is told without a remedy', () => {
  expect(found(captured)).toEqual(['MISSING_AT_PROVIDER']);
  expect(found(authorized)).toEqual(['MISSING_AT_PROVIDER']);
  expect(found(authorized, CAPTURED)).toEqual(['STATE_MISMATCH']);
  expect(found(captured, record())).toEqual(['STATE_MISMATCH']);
  expect(found(captured, { ...CAPTURED, capturedMinor: 4100n })).toEqual(['AMOUNT_MISMATCH']);
  expect(found(captured, { ...CAPTURED, currency: 'USD' })).toEqual(['AMOUNT_MISMATCH']);
  expect(found(refunded)).toEqual(['MISSING_AT_PROVIDER']);
});

test('a record of a payment unknown here is told only while money lies under it', () => {
  expect(unknownPayment(CAPTURED)).toMatchObject({ kind: 'UNKNOWN_PAYMENT', paymentId: PAYMENT });
  expect(unknownPayment(record())).toMatchObject({ kind: 'UNKNOWN_PAYMENT' });
  expect(unknownPayment(REFUNDED)).toBeUndefined();
});
