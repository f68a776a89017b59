// The contract's side of payments: it obeys every command there is, and can say every event there is.

import { PaymentState } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { expect, test } from 'vitest';
import { followOrders } from '../../src/api/orders.ts';
import { PAYMENT_STATES } from '../../src/domain/payment.ts';
import { paymentsEvents } from '../../src/infrastructure/answers.ts';

test('every command that travels on the topic has a handler', () => {
  const handled = followOrders.on.map(({ schema }) => schema.typeName).sort();
  expect(handled).toEqual([...followOrders.topic.types.keys()].sort());
});

test('every event is about an order and carries a version', () => {
  expect(paymentsEvents.types.size).toBe(7);
  for (const { key, version } of paymentsEvents.types.values()) {
    expect([key.name, version?.name]).toEqual(['order_id', 'version']);
  }
});

test('the contract has every state of the domain; one that waits for the customer is pending there', () => {
  const named = Object.keys(PaymentState).filter((name) => name !== 'UNSPECIFIED');
  expect(PAYMENT_STATES.filter((state) => state !== 'ACTION_REQUIRED').sort()).toEqual(named.sort());
});
