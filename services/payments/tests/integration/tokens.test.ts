// What orders is told for each token, and what the provider itself then holds: at the sandbox and at Stripe's double.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { authorize, cancel, capture, openPayments, type Payments, PROVIDERS } from './fixtures.ts';

describe.each(PROVIDERS)('%s', (kind) => {
  let payments: Payments;
  beforeAll(async () => {
    payments = await openPayments({}, kind);
  });
  afterAll(() => payments?.stop());
  afterEach(() => payments.expectBooksToAgree());

  test('tok_approve is authorized, captured once and booked on both sides', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order));
    await payments.settle();
    await payments.deliver(capture(order));
    await payments.settle();
    expect(await payments.answers(order)).toEqual(['Authorized', 'Captured']);
    expect(await payments.payment(order)).toMatchObject({ state: 'CAPTURED', captured: 4200n, refunded: 0n });
    expect(await payments.provider.ledger(order)).toEqual(['authorize:ok:4200', 'capture:ok:4200']);
  });

  test.each([
    ['tok_decline', 'CARD_DECLINED'],
    ['tok_insufficient_funds', 'INSUFFICIENT_FUNDS'],
    ['tok_require_action', 'AUTHENTICATION_REQUIRED'],
    ['tok_unheard_of', 'INVALID_TOKEN'],
  ])('%s is declined with %s, and a cancellation is then answered at once', async (token, code) => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, token));
    await payments.settle();
    expect(await payments.payment(order)).toMatchObject({ state: 'DECLINED', reason: code });
    await payments.deliver(cancel(order));
    expect(await payments.answers(order)).toEqual(['Declined', 'Cancelled']);
    expect((await payments.provider.ledger(order)).filter((line) => line.includes(':ok:'))).toEqual([]);
  });

  test.each([
    ['tok_error_once', 2],
    ['tok_rate_limited', 3],
    ['tok_garbage', 2],
    ['tok_wrong_amount', 2],
    ['tok_wrong_currency', 2],
  ])('%s is authorized once, by call number %i', async (token, calls) => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, token));
    await payments.settle();
    expect(await payments.settledAnswers(order)).toEqual(['Authorized']);
    expect(await payments.attempts(order)).toEqual([`authorize:DONE:${calls}`]);
    expect(await payments.provider.ledger(order)).toEqual(['authorize:ok:4200']);
  });

  test('tok_fail_capture is told as a failed capture; the cancellation then frees the authorization', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_fail_capture'));
    await payments.settle();
    await payments.deliver(capture(order));
    await payments.settle();
    expect(await payments.payment(order)).toMatchObject({ reason: 'CAPTURE_REFUSED', captured: 0n });
    await payments.deliver(cancel(order));
    await payments.settle();
    expect(await payments.answers(order)).toEqual(['Authorized', 'CaptureFailed', 'Cancelled']);
    expect(await payments.provider.charge(order)).toBe('VOIDED');
  });

  test('tok_partial_capture never confirms: the half that was taken goes back before the failure is told', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_partial_capture'), capture(order));
    await payments.settle();
    expect(await payments.answers(order)).toEqual(['Authorized', 'CaptureFailed']);
    expect(await payments.payment(order)).toMatchObject({
      state: 'REFUNDED',
      captured: 2100n,
      refunded: 2100n,
      reason: 'PARTIAL_CAPTURE',
    });
    await payments.deliver(cancel(order));
    expect((await payments.answers(order)).at(-1)).toBe('Cancelled');
    expect(await payments.provider.charge(order)).toBe('REFUNDED');
    const ledger = ['authorize:ok:4200', 'capture:ok:2100', 'refund:ok:2100'];
    expect(await payments.provider.ledger(order)).toEqual(ledger);
  });

  test('tok_refund_fails is refunded at the eleventh call: a refund is never given up', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_refund_fails'));
    await payments.settle();
    await payments.deliver(capture(order));
    await payments.settle();
    await payments.deliver(cancel(order));
    await payments.settle();
    expect(await payments.answers(order)).toEqual(['Authorized', 'Captured', 'Cancelled']);
    expect(await payments.payment(order)).toMatchObject({ state: 'REFUNDED', captured: 4200n, refunded: 4200n });
    expect(await payments.attempts(order)).toContain('refund:DONE:11');
  });

  test('tok_partial_refund_fails is told as failed once the half that was taken is back, at the eleventh call', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_partial_refund_fails'), capture(order));
    await payments.settle();
    expect(await payments.answers(order)).toEqual(['Authorized', 'CaptureFailed']);
    expect(await payments.payment(order)).toMatchObject({ state: 'REFUNDED', captured: 2100n, refunded: 2100n });
    expect(await payments.attempts(order)).toContain('refund:DONE:11');
  });
});
