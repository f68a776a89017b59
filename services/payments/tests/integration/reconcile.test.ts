// The reconciler, with mismatches made by hand.
import { sql } from '@stoa/chassis/postgres/sql';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { authorize, cancel, capture, openPayments, type Payments, PROVIDERS, until } from './fixtures.ts';

/** Looks back so far that everything in the test is compared in every pass. */
const WIDE = { STOA_PAYMENTS_RECONCILE_GRACE_MS: '0', STOA_PAYMENTS_CALL_DEADLINE_MS: '1000' };

describe.each(PROVIDERS)('%s', (kind) => {
  let payments: Payments;
  beforeAll(async () => {
    payments = await openPayments(WIDE, kind);
  });
  afterAll(() => payments?.stop());
  afterEach(() => payments.expectBooksToAgree());

  /** A whole day is compared anew, whatever was compared before. */
  async function pass(): Promise<void> {
    await payments.service.db.run(sql`delete from reconciliation_progress`);
    await payments.service.db.run(sql`update reconciliation_suspect set next_look_at = now()`);
    while (await payments.reconcile());
  }

  async function settled(token: string, ...steps: readonly ((order: string) => ReturnType<typeof capture>)[]) {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, token));
    await payments.settle();
    for (const step of steps) {
      await payments.deliver(step(order));
      await payments.settle();
    }
    return order;
  }

  test('what agrees has no findings, in whatever state', async () => {
    const orders = [
      await settled('tok_approve'),
      await settled('tok_approve', capture),
      await settled('tok_approve', capture, cancel),
      await settled('tok_approve', cancel),
      await settled('tok_decline'),
      await settled('tok_partial_capture', capture),
    ];
    await pass();
    for (const order of orders) expect(await payments.findings(order)).toEqual([]);
    const { left } = await payments.service.db.one(sql<{ left: bigint }>`
      select count(*) as left from reconciliation_suspect`);
    expect(left).toBe(0n);
  });

  test('an authorization that appears under a cancelled payment is void within one pass, and the finding resolved', async () => {
    const order = await settled('tok_approve', cancel);
    await payments.provider.reviveAuthorization(order);
    await pass();
    await pass();
    expect(await payments.provider.charge(order)).toBe('VOIDED');
    expect(await payments.findings(order)).toEqual(['LATE_AUTHORIZATION:resolved']);
    expect(await payments.settledAnswers(order)).toEqual(['Authorized', 'Cancelled']);
  });

  test('one that comes back again is another finding, and void again', async () => {
    const order = await settled('tok_approve', cancel);
    for (const _time of [1, 2]) {
      await payments.provider.reviveAuthorization(order);
      await pass();
      await pass();
    }
    expect(await payments.provider.charge(order)).toBe('VOIDED');
    expect(await payments.findings(order)).toEqual(['LATE_AUTHORIZATION:resolved', 'LATE_AUTHORIZATION:resolved']);
  });

  test('a charge of a dead order is refunded, and both books show both movements', async () => {
    const order = await settled('tok_approve', cancel);
    await payments.provider.captureByHand(order);
    await pass();
    await pass();
    expect(await payments.provider.charge(order)).toBe('REFUNDED');
    expect(await payments.findings(order)).toEqual(['LATE_CHARGE:resolved']);
  });

  test('a refund of a dead order that fails is tried again for ever', async () => {
    const order = await settled('tok_refund_fails', cancel);
    await payments.provider.captureByHand(order);
    await until(payments.context.clock, async () => {
      await pass();
      return (await payments.provider.charge(order)) === 'REFUNDED';
    });
    await pass();
    expect(await payments.findings(order)).toEqual(['LATE_CHARGE:resolved']);
    const { remedies } = await payments.service.db.one(sql<{ remedies: number }>`
      select remedies from reconciliation_finding join payment using (payment_id) where order_id = ${order}`);
    expect(remedies).toBe(11);
  });

  test('money that is missing at the provider is told and left alone', async () => {
    const order = await settled('tok_approve');
    const before = await payments.payment(order);
    await payments.provider.lose(order);
    await payments.service.db.run(sql`
      insert into reconciliation_suspect (payment_id) values (${before.payment_id}) on conflict do nothing`);
    await pass();
    expect(await payments.findings(order)).toEqual(['MISSING_AT_PROVIDER:open']);
    expect(await payments.payment(order)).toEqual(before);
  });

  test('a refund by other hands is told as a mismatch, and taken for ours when the order is cancelled', async () => {
    const order = await settled('tok_approve', capture);
    await payments.provider.refundByHand(order);
    await pass();
    expect(await payments.findings(order)).toEqual(['STATE_MISMATCH:open']);
    expect(await payments.payment(order)).toMatchObject({ state: 'CAPTURED', operation: null });
    await payments.deliver(cancel(order));
    await payments.settle();
    await pass();
    expect(await payments.findings(order)).toEqual(['STATE_MISMATCH:resolved']);
    expect(await payments.payment(order)).toMatchObject({ state: 'REFUNDED', refunded: 4200n });
  });

  test('an unknown payment is not settled by a look: the same key is asked again, and that answer counts', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_charge_then_hang'));
    await payments.workOnce();
    expect(await payments.payment(order)).toMatchObject({ state: 'UNKNOWN', operation: 'authorize' });
    await pass();
    await pass();
    expect(await payments.payment(order)).toMatchObject({ state: 'UNKNOWN', operation: 'authorize' });
    await payments.settle();
    expect(await payments.settledAnswers(order)).toEqual(['Authorized']);
    await pass();
    expect(await payments.findings(order)).toEqual([]);
  });

  test('open findings are counted by kind', async () => {
    await pass();
    const text = await payments.context.metrics.text();
    expect(text).toMatch(/stoa_payments_reconciliation_findings_open\{kind="MISSING_AT_PROVIDER"\} 1/);
    expect(text).toMatch(/stoa_payments_reconciliation_findings_total\{kind="LATE_CHARGE"\} [1-9]/);
  });
});

test('tok_charge_after_void: a charge that ignores its void is void again, and nothing stays held', async () => {
  const payments = await openPayments({ ...WIDE, STOA_PAYMENTS_SANDBOX_LATE_MS: '50' });
  try {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_charge_after_void'));
    await payments.workOnce();
    await payments.deliver(cancel(order));
    await payments.settle();
    expect((await payments.settledAnswers(order)).at(-1)).toBe('Cancelled');
    await until(payments.context.clock, async () => {
      await payments.service.runJob('sandbox-late-charges');
      return (await payments.provider.charge(order)) === 'AUTHORIZED';
    });
    // Its own webhook has it looked at.
    await payments.service.runJob('sandbox-webhooks');
    await payments.reconcile();
    expect(await payments.provider.charge(order)).toBe('VOIDED');
    await payments.reconcile();
    expect(await payments.findings(order)).toEqual(['LATE_AUTHORIZATION:resolved']);
  } finally {
    await payments.stop();
  }
});

test('tok_charge_after_void: refused when asked again, it stays void and holds up no other late charge', async () => {
  const payments = await openPayments({ ...WIDE, STOA_PAYMENTS_SANDBOX_LATE_MS: '60000' });
  try {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_charge_after_void'));
    await payments.workOnce();
    await payments.deliver(cancel(order));
    await payments.settle();
    const { paymentId, amountMinor, currency } = await payments.service.db.one(
      sql<{
        paymentId: string;
        amountMinor: bigint;
        currency: string;
      }>`select payment_id as "paymentId", amount_minor as "amountMinor", currency from payment where order_id = ${order}`,
    );
    const request = { paymentId, orderId: order, amountMinor, currency, key: `${paymentId}:authorize`, reference: '' };
    // A call that was on its way while the payment was voided.
    const late = { ...request, methodId: 'card', token: 'tok_charge_after_void', isRepetition: true, ageSeconds: 1 };
    const said = await payments.context.deps.provider.authorize(late, new AbortController().signal);
    expect(said).toMatchObject({ kind: 'declined', code: 'VOIDED' });
    const other = payments.newOrder();
    await payments.deliver(authorize(other, 'tok_late_charge'));
    await payments.workOnce();
    for (const one of [order, other]) await payments.provider.appear(one);
    await until(payments.context.clock, async () => {
      await payments.service.runJob('sandbox-late-charges');
      return (await payments.provider.charge(other)) === 'AUTHORIZED';
    });
    expect(await payments.provider.charge(order)).toBe('VOIDED');
  } finally {
    await payments.stop();
  }
});
