// The reading side.
import { Code } from '@connectrpc/connect';
import { reasonOf, violationsOf } from '@stoa/chassis/rpc/errors';
import { PaymentState, PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKENS } from '../../src/infrastructure/sandbox/tokens.ts';
import { payments as definition } from '../../src/service.ts';
import { authorize, cancel, capture, openPayments, type Payments } from './fixtures.ts';

let payments: Payments;
beforeAll(async () => {
  payments = await openPayments();
});
afterAll(() => payments?.stop());

test('the sandbox offers one method, with its tokens to try', async () => {
  const { methods } = await payments.service.client(PaymentsService).listMethods({});
  expect(methods).toMatchObject([{ id: 'card', sampleTokens: Object.keys(TOKENS) }]);
});

test('a payment shows what was taken and what was given back', async () => {
  const order = payments.newOrder();
  const client = payments.service.client(PaymentsService);
  await payments.deliver(authorize(order), capture(order));
  await payments.settle();
  await payments.deliver(cancel(order));
  await payments.settle();
  const { payment } = await client.getPayment({ orderId: order });
  expect(payment).toMatchObject({
    orderId: order,
    state: PaymentState.REFUNDED,
    captured: { currency: 'EUR', minor: 4200n },
    refunded: { currency: 'EUR', minor: 4200n },
    reason: 'CUSTOMER_REQUEST',
    version: 3n,
  });
});

test('a tombstone has no amounts', async () => {
  const order = payments.newOrder();
  await payments.deliver(cancel(order));
  const { payment } = await payments.service.client(PaymentsService).getPayment({ orderId: order });
  expect(payment?.state).toBe(PaymentState.VOIDED);
  expect([payment?.amount, payment?.captured, payment?.refunded]).toEqual([undefined, undefined, undefined]);
});

test('an order without a payment is PAYMENT_NOT_FOUND', async () => {
  const asked = payments.service.client(PaymentsService).getPayment({ orderId: payments.newOrder() });
  const error = await asked.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: Code.NotFound });
  expect(reasonOf(error)).toBe('PAYMENT_NOT_FOUND');
});

test('payments of many orders come with their actions; an order without one is absent', async () => {
  const [paid, acting] = [payments.newOrder(), payments.newOrder()];
  await payments.deliver(authorize(paid), authorize(acting, 'tok_3ds'));
  await payments.workOnce();
  const client = payments.service.client(PaymentsService);
  const { payments: found } = await client.getPayments({ orderIds: [payments.newOrder(), paid, acting] });
  const byOrder = new Map(found.map((each) => [each.payment?.orderId, each]));
  expect([...byOrder.keys()].toSorted()).toEqual([paid, acting].toSorted());
  for (const orderId of [paid, acting])
    expect(byOrder.get(orderId)).toMatchObject(await client.getPayment({ orderId }));
  expect(byOrder.get(acting)?.action?.clientSecret).toMatch(/_secret$/);
});

test('payments are asked for by 1 to 100 order ids', async () => {
  const { getPayments } = payments.service.client(PaymentsService);
  const fieldsOf = async (orderIds: string[]) =>
    violationsOf(await getPayments({ orderIds }).catch((thrown: unknown) => thrown)).map(({ field }) => field);
  expect(await fieldsOf([])).toEqual(['order_ids']);
  expect(await fieldsOf(Array.from({ length: 101 }, () => payments.newOrder()))).toEqual(['order_ids']);
  expect(await fieldsOf([payments.newOrder(), 'x'])).toEqual(['order_ids[1]']);
});

test('an order id that is none is refused with the field at fault', async () => {
  const asked = payments.service.client(PaymentsService).getPayment({ orderId: 'x' });
  expect(violationsOf(await asked.catch((thrown: unknown) => thrown))).toMatchObject([{ field: 'order_id' }]);
});

test('a provider that does not exist stops the start with its name', () => {
  const config = { ...payments.context.config, provider: 'stripes' };
  const context = { ...payments.context, config, deps: undefined };
  expect(() => definition.setup?.(context)).toThrow(/STOA_PAYMENTS_PROVIDER.*stripes/);
});
