// Providers that do not answer: UNKNOWN is told, nothing is guessed, and the same key settles it.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { authorize, cancel, capture, openPayments, type Payments, PROVIDERS } from './fixtures.ts';

describe.each(PROVIDERS)('%s', (kind) => {
  let payments: Payments;
  beforeAll(async () => {
    // What is late comes when a test says so.
    const env = { STOA_PAYMENTS_CALL_DEADLINE_MS: '200', STOA_PAYMENTS_SANDBOX_LATE_MS: '3600000' };
    payments = await openPayments(env, kind);
  });
  afterAll(() => payments?.stop());
  afterEach(() => payments.expectBooksToAgree());

  test('tok_hang becomes unknown; cancelled, it ends when it is certain that nothing is held, and not before', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_hang'));
    await payments.workOnce();
    expect(await payments.answers(order)).toEqual(['BecameUnknown']);
    expect(await payments.payment(order)).toMatchObject({ state: 'UNKNOWN', operation: 'authorize' });
    await payments.deliver(cancel(order));
    const { double } = payments.provider;
    if (double !== undefined) {
      // What Stripe has not seen cannot be voided there: only its own answer ends this.
      await payments.expireLeases();
      await payments.workOnce();
      expect(await payments.answers(order)).toEqual(['BecameUnknown']);
      double.state.hangs = false;
    }
    await payments.settle();
    if (double !== undefined) double.state.hangs = true;
    expect(await payments.answers(order)).toEqual(['BecameUnknown', 'Cancelled']);
    expect(await payments.provider.charge(order)).toBe('VOIDED');
  });

  test('tok_charge_then_hang becomes unknown and is settled by the same key: charged once', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_charge_then_hang'));
    await payments.settle();
    expect(await payments.answers(order)).toContain('BecameUnknown');
    expect(await payments.settledAnswers(order)).toEqual(['Authorized']);
    expect(await payments.provider.ledger(order)).toEqual(['authorize:ok:4200']);
  });

  test('tok_charge_then_hang that is cancelled while unknown ends void, with nothing held', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_charge_then_hang'));
    await payments.workOnce();
    await payments.deliver(cancel(order));
    await payments.settle();
    expect(await payments.answers(order)).not.toContain('Captured');
    expect((await payments.answers(order)).at(-1)).toBe('Cancelled');
    expect(await payments.provider.charge(order)).toBe('VOIDED');
  });

  test('tok_late_charge stays unknown until it appears; that it is not found proves nothing', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_late_charge'));
    await payments.workOnce();
    expect(await payments.answers(order)).toEqual(['BecameUnknown']);
    const { payment_id: paymentId } = await payments.payment(order);
    const lookup = () => payments.context.deps.provider.lookup({ paymentId, reference: '' });
    expect(await lookup()).toEqual([]);
    await payments.provider.appear(order);
    await payments.settle();
    expect(await lookup()).toMatchObject([{ state: 'AUTHORIZED', orderId: order, amountMinor: 4200n }]);
    expect(await payments.answers(order)).toContain('BecameUnknown');
    expect(await payments.settledAnswers(order)).toEqual(['Authorized']);
    expect(await payments.provider.ledger(order)).toEqual(['authorize:ok:4200']);
  });

  test('tok_late_charge that is cancelled is never captured and ends void', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_late_charge'));
    await payments.workOnce();
    await payments.deliver(cancel(order));
    // Voided by reference where that can be done, before it has appeared; otherwise its own answer must come first.
    if (kind === 'stripe') await payments.provider.appear(order);
    await payments.settle();
    await payments.provider.appear(order);
    await payments.service.runJob('sandbox-late-charges');
    expect(await payments.provider.charge(order)).toBe('VOIDED');
    expect(await payments.answers(order)).toEqual(['BecameUnknown', 'Cancelled']);
  });

  test('tok_capture_then_hang is captured once and told when the same key has said so', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_capture_then_hang'), capture(order));
    await payments.settle();
    expect(await payments.answers(order)).toContain('BecameUnknown');
    expect(await payments.settledAnswers(order)).toEqual(['Authorized', 'Captured']);
    expect(await payments.provider.ledger(order)).toEqual(['authorize:ok:4200', 'capture:ok:4200']);
  });

  test('tok_capture_then_hang that is cancelled while unknown is refunded', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_capture_then_hang'), capture(order));
    await payments.workOnce();
    await payments.deliver(cancel(order));
    await payments.settle();
    expect(await payments.answers(order)).not.toContain('Captured');
    expect((await payments.answers(order)).at(-1)).toBe('Cancelled');
    expect(await payments.provider.charge(order)).toBe('REFUNDED');
  });
});
