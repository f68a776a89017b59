// Orders' commands: repeated, out of order, many at once.
import { PaymentAuthorizedSchema, PaymentDeclinedSchema } from '@stoa/proto/stoa/payments/v1/events_pb';
import { PaymentState } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { authorize, cancel, capture, openPayments, type Payments, PROVIDERS } from './fixtures.ts';

describe.each(PROVIDERS)('%s', (kind) => {
  let payments: Payments;
  beforeAll(async () => {
    payments = await openPayments({}, kind);
  });
  afterAll(() => payments?.stop());
  afterEach(() => payments.expectBooksToAgree());

  test('AuthorizePayment repeated fifty times is one authorization, and every repetition is answered', async () => {
    const order = payments.newOrder();
    await payments.deliver(...Array.from({ length: 25 }, () => authorize(order)));
    await payments.settle();
    expect(await payments.answers(order)).toEqual(['Authorized']);
    await payments.deliver(...Array.from({ length: 25 }, () => authorize(order)));
    await payments.settle();
    expect(await payments.answers(order)).toEqual(Array.from({ length: 26 }, () => 'Authorized'));
    expect(await payments.provider.ledger(order)).toEqual(['authorize:ok:4200']);
    expect(await payments.attempts(order)).toEqual(['authorize:DONE:1']);
  });

  test('a repeated CapturePayment takes the money once', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order), capture(order), capture(order));
    await payments.settle();
    await payments.deliver(capture(order));
    expect(await payments.answers(order)).toEqual(['Authorized', 'Captured', 'Captured']);
    expect(await payments.provider.ledger(order)).toEqual(['authorize:ok:4200', 'capture:ok:4200']);
  });

  test('a cancellation that comes first leaves a tombstone: the provider is never asked', async () => {
    const order = payments.newOrder();
    await payments.deliver(cancel(order, 'PAYMENT_TIMEOUT'));
    await payments.deliver(authorize(order));
    await payments.settle();
    expect(await payments.answers(order)).toEqual(['Cancelled', 'Declined']);
    const declined = (await payments.service.published(PaymentDeclinedSchema)).find((e) => e.orderId === order);
    expect(declined?.reason).toBe('ALREADY_CANCELLED');
    expect(declined?.payment?.state).toBe(PaymentState.VOIDED);
    expect(await payments.provider.ledger(order)).toEqual([]);
  });

  test('a cancellation in the same batch as the authorization ends with nothing held', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order), cancel(order));
    await payments.settle();
    expect(await payments.answers(order)).toEqual(['Cancelled']);
    // What Stripe has not seen cannot be voided there: it is authorized first.
    const first = kind === 'sandbox' ? 'authorize:SUPERSEDED:0' : 'authorize:DONE:1';
    expect(await payments.attempts(order)).toEqual([first, 'void:DONE:1']);
    expect(await payments.provider.charge(order)).toBe('VOIDED');
  });

  test('a cancellation after the capture refunds, once, and its repetition is answered again', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order), capture(order));
    await payments.settle();
    await payments.deliver(cancel(order), cancel(order));
    await payments.settle();
    await payments.deliver(cancel(order));
    expect(await payments.answers(order)).toEqual(['Authorized', 'Captured', 'Cancelled', 'Cancelled']);
    expect(await payments.provider.ledger(order)).toEqual(['authorize:ok:4200', 'capture:ok:4200', 'refund:ok:4200']);
  });

  test('a command wakes the job only when it leaves something to do', async () => {
    const order = payments.newOrder();
    payments.service.woken();
    await payments.deliver(authorize(order));
    expect(payments.service.woken()).toEqual(['provider-calls']);
    await payments.settle();
    await payments.deliver(authorize(order));
    expect(payments.service.woken()).toEqual([]);
  });

  test('a batch of 256 orders is authorized and captured, each once', async () => {
    const orders = Array.from({ length: 256 }, () => payments.newOrder());
    await payments.deliver(...orders.map((order) => authorize(order)));
    await payments.settle();
    await payments.deliver(...orders.map(capture));
    await payments.settle();
    const ledgers = await Promise.all(orders.map((order) => payments.provider.ledger(order)));
    expect(ledgers).toEqual(orders.map(() => ['authorize:ok:4200', 'capture:ok:4200']));
    expect(await payments.answers(orders[255] as string)).toEqual(['Authorized', 'Captured']);
  });

  test('an event names the command that it answers as its cause, and carries the payment as it then was', async () => {
    const order = payments.newOrder();
    const command = { ...authorize(order), eventId: payments.newOrder() };
    await payments.deliver(command);
    await payments.settle();
    await payments.deliver(capture(order));
    await payments.settle();
    const [first] = (await payments.service.outbox()).filter((event) => event.aggregateId === order);
    expect(first?.causationId).toBe(command.eventId);
    const authorized = (await payments.service.published(PaymentAuthorizedSchema)).find((e) => e.orderId === order);
    expect(authorized?.payment).toMatchObject({
      orderId: order,
      state: PaymentState.AUTHORIZED,
      amount: { currency: 'EUR', minor: 4200n },
      captured: { currency: 'EUR', minor: 0n },
      version: 1n,
    });
  });
});
