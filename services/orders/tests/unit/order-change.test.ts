import { COMPENSATED, COMPLETED } from '@stoa/chassis/saga/define';
import { expect, test } from 'vitest';
import { CUSTOMER_REQUEST } from '../../src/saga/checkout.ts';
import { orderChange } from '../../src/saga/order-change.ts';
import { data } from './examples.ts';
import { REPLIES } from './walk.ts';

function change(from: string, to: string, reason = '', status: 'PENDING' | 'CONFIRMED' = 'PENDING') {
  const reply = to === COMPLETED ? ({ message: REPLIES.ShipmentCreated } as never) : undefined;
  const move = { sagaId: data.orderId, data, from, to, reason, reply, cause: { traceparent: '' } };
  return orderChange(move, { status }, new Date(0));
}

test('an order is confirmed once its payment is captured, its stock being committed', () => {
  expect(change('CAPTURING', 'ARRANGING_SHIPMENT')).toEqual({ kind: 'confirmed' });
});

test('a completed saga tells the tracking number', () => {
  expect(change('ARRANGING_SHIPMENT', COMPLETED, '', 'CONFIRMED')).toEqual({
    kind: 'shipment_created',
    trackingNumber: '00340001',
  });
});

test('a pending order that is undone is rejected with the reason, or cancelled if its customer asked', () => {
  expect(change('UNDOING_RESERVING', COMPENSATED, 'CARD_DECLINED')).toEqual({
    kind: 'rejected',
    reason: 'CARD_DECLINED',
  });
  expect(change('UNDOING_RESERVING', COMPENSATED, CUSTOMER_REQUEST)).toEqual({
    kind: 'cancelled',
    reason: CUSTOMER_REQUEST,
  });
});

test('a confirmed order that is undone is cancelled, whatever the reason', () => {
  expect(change('UNDOING_RESERVING', COMPENSATED, 'UNKNOWN_METHOD', 'CONFIRMED')).toEqual({
    kind: 'cancelled',
    reason: 'UNKNOWN_METHOD',
  });
});

test('a deadline that moved means that the customer must act, until then', () => {
  expect(change('AUTHORIZING', 'AUTHORIZING')).toEqual({
    kind: 'payment_action_required',
    expiresAt: new Date(600_000),
  });
});

test('steps in between are none of the order’s business', () => {
  expect(change('RESERVING', 'AUTHORIZING')).toBeUndefined();
  expect(change('AUTHORIZING', 'COMMITTING_STOCK')).toBeUndefined();
  expect(change('COMMITTING_STOCK', 'CAPTURING')).toBeUndefined();
  expect(change('AUTHORIZING', 'UNDOING_RESERVING', 'CARD_DECLINED')).toBeUndefined();
  expect(change('UNDOING_AUTHORIZING', 'UNDOING_RESERVING', 'CARD_DECLINED')).toBeUndefined();
});
