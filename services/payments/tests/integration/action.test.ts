// Payments that wait for their customer (3-D Secure).
import { PaymentActionRequiredSchema } from '@stoa/proto/stoa/payments/v1/events_pb';
import { PaymentState, PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { authorize, cancel, capture, openPayments, type Payments, PROVIDERS } from './fixtures.ts';

describe.each(PROVIDERS)('%s', (kind) => {
  let payments: Payments;
  beforeAll(async () => {
    payments = await openPayments({}, kind);
  });
  afterAll(() => payments?.stop());
  afterEach(() => payments.expectBooksToAgree());

  async function waiting(token = 'tok_3ds'): Promise<string> {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, token));
    await payments.workOnce();
    expect(await payments.payment(order)).toMatchObject({ state: 'ACTION_REQUIRED', operation: 'authorize' });
    return order;
  }

  test('the payment is pending and shows what to do; the event tells of it and keeps the secret', async () => {
    const order = await waiting();
    const { payment, action } = await payments.service.client(PaymentsService).getPayment({ orderId: order });
    expect(payment?.state).toBe(PaymentState.PENDING);
    expect(action?.clientSecret).toMatch(/_secret$/);
    if (kind === 'stripe') expect(action?.redirectUrl).toBe('https://bank.example/3ds');
    expect(await payments.answers(order)).toEqual(['ActionRequired']);
    const told = (await payments.service.published(PaymentActionRequiredSchema)).find((e) => e.orderId === order);
    expect(
      JSON.stringify(told?.payment, (_key, value) => (typeof value === 'bigint' ? `${value}` : value)),
    ).not.toMatch(/secret|3ds/);
    await payments.deliver(cancel(order));
    await payments.settle();
  });

  test('a customer who confirms is authorized and captured, once', async () => {
    const order = await waiting();
    await payments.deliver(capture(order));
    await payments.provider.act(order, true);
    await payments.settle();
    expect(await payments.answers(order)).toEqual(['ActionRequired', 'Authorized', 'Captured']);
    expect(await payments.provider.ledger(order)).toEqual(['authorize:ok:4200', 'capture:ok:4200']);
    const { action } = await payments.service.client(PaymentsService).getPayment({ orderId: order });
    expect(action).toBeUndefined();
  });

  test('a customer who fails is declined, and cannot pay any more with what was handed out', async () => {
    const order = await waiting();
    await payments.provider.act(order, false);
    await payments.settle();
    expect(await payments.answers(order)).toEqual(['ActionRequired', 'Declined']);
    expect(await payments.payment(order)).toMatchObject({ state: 'DECLINED', reason: 'AUTHENTICATION_FAILED' });
    expect(await payments.provider.charge(order)).toBe(kind === 'stripe' ? 'VOIDED' : 'DECLINED');
  });

  test.each([
    ['tok_3ds_confirmed', 'Authorized'],
    ['tok_3ds_failed', 'Declined'],
  ])('%s is settled by its customer after a while: %s', async (token, answer) => {
    const order = await waiting(token);
    await payments.settle();
    expect(await payments.answers(order)).toEqual(['ActionRequired', answer]);
  });

  test('a saga that waits no longer cancels: void at the provider, and the customer comes too late', async () => {
    const order = await waiting();
    await payments.deliver(cancel(order, 'AUTHORIZING_TIMED_OUT'));
    await payments.settle();
    await payments.provider.act(order, true);
    expect(await payments.answers(order)).toEqual(['ActionRequired', 'Cancelled']);
    expect(await payments.provider.charge(order)).toBe('VOIDED');
  });

  test('a customer who confirms while the cancellation is on its way ends void all the same', async () => {
    const order = await waiting();
    await payments.deliver(cancel(order));
    await payments.provider.act(order, true);
    await payments.settle();
    expect(await payments.answers(order)).toEqual(['ActionRequired', 'Cancelled']);
    expect(await payments.provider.charge(order)).toBe('VOIDED');
  });
});
