// What orders is told for each of the sandbox's tokens, and what the sandbox itself then holds.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { authorize, cancel, capture, openPayments, type Payments } from './fixtures.ts';

let payments: Payments;
beforeAll(async () => {
  payments = await openPayments();
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
  expect(await payments.sandboxLedger(order)).toEqual(['authorize:ok:4200', 'capture:ok:4200']);
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
  expect(await payments.sandboxLedger(order)).toEqual([`authorize:${code}:4200`]);
});

test('tok_hang becomes unknown; cancelled, it is void by reference and its key refused for ever', async () => {
  const order = payments.newOrder();
  await payments.deliver(authorize(order, 'tok_hang'));
  await payments.work();
  expect(await payments.answers(order)).toEqual(['BecameUnknown']);
  expect(await payments.payment(order)).toMatchObject({ state: 'UNKNOWN', operation: 'authorize' });
  await payments.deliver(cancel(order));
  await payments.settle();
  expect(await payments.answers(order)).toEqual(['BecameUnknown', 'Cancelled']);
  expect(await payments.sandboxLedger(order)).toEqual(['void:ok:0']);
  const { payment_id: paymentId } = await payments.payment(order);
  const late = await payments.context.deps.provider.authorize(
    {
      paymentId,
      key: `${paymentId}:authorize`,
      orderId: order,
      amountMinor: 4200n,
      currency: 'EUR',
      reference: '',
      methodId: 'card',
      token: 'tok_approve',
    },
    new AbortController().signal,
  );
  expect(late).toEqual({ kind: 'declined', code: 'VOIDED' });
});

test('tok_charge_then_hang becomes unknown and is settled by the same key: charged once', async () => {
  const order = payments.newOrder();
  await payments.deliver(authorize(order, 'tok_charge_then_hang'));
  await payments.settle();
  expect(await payments.answers(order)).toEqual(['BecameUnknown', 'Authorized']);
  expect(await payments.sandboxLedger(order)).toEqual(['authorize:ok:4200']);
});

test('tok_charge_then_hang that is cancelled while unknown ends void, with nothing held', async () => {
  const order = payments.newOrder();
  await payments.deliver(authorize(order, 'tok_charge_then_hang'));
  await payments.work();
  await payments.deliver(cancel(order));
  await payments.settle();
  expect(await payments.answers(order)).not.toContain('Captured');
  expect((await payments.answers(order)).at(-1)).toBe('Cancelled');
  expect(await payments.charge(order)).toBe('VOIDED');
});

test('tok_late_charge stays unknown until the authorization appears; that it is not found proves nothing', async () => {
  const order = payments.newOrder();
  await payments.deliver(authorize(order, 'tok_late_charge'));
  await payments.work();
  expect(await payments.answers(order)).toEqual(['BecameUnknown']);
  expect(await payments.charge(order)).toBe('PROCESSING');
  const { payment_id: paymentId } = await payments.payment(order);
  const lookup = () => payments.context.deps.provider.lookup(paymentId, new AbortController().signal);
  expect(await lookup()).toEqual({ kind: 'not_found' });
  await payments.settle();
  expect(await lookup()).toEqual({ kind: 'found', state: 'AUTHORIZED' });
  expect(await payments.answers(order)).toEqual(['BecameUnknown', 'Authorized']);
  expect(await payments.sandboxLedger(order)).toEqual(['authorize:ok:4200']);
});

test('tok_late_charge that is cancelled never appears', async () => {
  const order = payments.newOrder();
  await payments.deliver(authorize(order, 'tok_late_charge'));
  await payments.work();
  await payments.deliver(cancel(order));
  await payments.settle();
  await payments.context.clock.sleep(450);
  await payments.service.runJob('sandbox-late-charges');
  expect(await payments.charge(order)).toBe('VOIDED');
  expect(await payments.answers(order)).toEqual(['BecameUnknown', 'Cancelled']);
});

test('tok_error_once is authorized at the second call, and nobody hears of the first', async () => {
  const order = payments.newOrder();
  await payments.deliver(authorize(order, 'tok_error_once'));
  await payments.settle();
  expect(await payments.answers(order)).toEqual(['Authorized']);
  expect(await payments.attempts(order)).toEqual(['authorize:DONE:2']);
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
  expect(await payments.charge(order)).toBe('VOIDED');
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
