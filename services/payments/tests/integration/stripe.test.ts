// What is Stripe's own: keys that are forgotten, errors that are kept, a secret key that is refused.
import { sql } from '@stoa/chassis/postgres/sql';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { payments as definition } from '../../src/service.ts';
import { authorize, cancel, capture, openPayments, type Payments } from './fixtures.ts';
import type { Line } from './stripe-books.ts';
import type { StripeDouble } from './stripe-double.ts';

let payments: Payments;
let double: StripeDouble;
beforeAll(async () => {
  payments = await openPayments({ STOA_PAYMENTS_CALL_DEADLINE_MS: '1000' }, 'stripe');
  double = payments.provider.double as StripeDouble;
});
afterAll(() => payments?.stop());
afterEach(() => payments.expectBooksToAgree());

/** As if a day had passed since the operation began, at Stripe and here. */
async function aDayPasses(): Promise<void> {
  double.forgetKeys();
  await payments.service.db.run(sql`
    update payment_attempt set created_at = created_at - interval '25 hours' where state = 'DUE'`);
}

async function captured(token = 'tok_approve'): Promise<string> {
  const order = payments.newOrder();
  await payments.deliver(authorize(order, token), capture(order));
  await payments.settle();
  return order;
}

test('the intent carries our ids, is captured by hand, and every POST has a key of ours', async () => {
  const order = await captured();
  const { payment_id: paymentId } = await payments.payment(order);
  const [intent] = double.books.of(order);
  expect(intent?.metadata).toEqual({ stoa_payment_id: paymentId, stoa_order_id: order });
  const keys = double.books.ledger.filter(({ orderId }) => orderId === order).map(({ key }) => key);
  expect(keys).toEqual([`${paymentId}:authorize`, `${paymentId}:capture`]);
});

test('an authorization whose key is forgotten is searched for before it is repeated: there is one intent', async () => {
  const order = payments.newOrder();
  await payments.deliver(authorize(order, 'tok_charge_then_hang'));
  await payments.workOnce();
  await aDayPasses();
  await payments.settle();
  expect(await payments.settledAnswers(order)).toEqual(['Authorized']);
  expect(double.books.of(order)).toHaveLength(1);
  expect(double.state.calls).toContain('GET payment_intents/search');
});

test.each([
  ['capture', 'tok_capture_then_hang', 'Captured'],
  ['refund', 'tok_approve', 'Cancelled'],
] as const)('a %s whose key is forgotten is not made twice', async (operation, token, answer) => {
  const order = payments.newOrder();
  await payments.deliver(authorize(order, token));
  await payments.workOnce();
  await payments.deliver(capture(order));
  await payments.workOnce();
  if (operation === 'refund') {
    await payments.deliver(cancel(order));
    const { payment_id: paymentId } = await payments.payment(order);
    const [intent] = double.books.of(order);
    const request = {
      paymentId,
      key: `${paymentId}:refund`,
      orderId: order,
      amountMinor: 4200n,
      currency: 'EUR',
      reference: intent?.id ?? '',
      isRepetition: false,
      ageSeconds: 0,
    };
    // A refund whose answer was lost with the process.
    await payments.context.deps.provider.refund(request, new AbortController().signal);
    await payments.service.db.run(sql`update payment_attempt set attempts = 1 where state = 'DUE'`);
  }
  await aDayPasses();
  await payments.settle();
  expect((await payments.answers(order)).at(-1)).toBe(answer);
  const lines = (await payments.provider.ledger(order)).filter((line) => line.startsWith(operation));
  expect(lines).toEqual([`${operation}:ok:4200`]);
});

test('a server error that Stripe keeps under a key does not keep the capture from being made, once', async () => {
  const order = await captured('tok_kept_error');
  expect(await payments.settledAnswers(order)).toEqual(['Authorized', 'Captured']);
  const lines = (await payments.provider.ledger(order)).filter((line) => line.startsWith('capture'));
  expect(lines).toEqual(['capture:ok:4200']);
  // One key in the ledgers: by it the capture was booked here; Stripe's shows the key that it was made under.
  double.books.ledger.forEach((line, index) => {
    if (line.key.endsWith(':again')) double.books.ledger[index] = { ...line, key: line.key.replace(':again', '') };
  });
});

test('a refund that has failed for good is made anew, under another key', async () => {
  const order = await captured();
  const { payment_id: paymentId } = await payments.payment(order);
  const [intent] = double.books.of(order);
  const metadata = { stoa_key: `${paymentId}:refund` };
  const failed = { id: 're_failed', payment_intent: intent?.id ?? '', status: 'failed', metadata, amount: 4200 };
  double.books.refunds.push(failed);
  await payments.deliver(cancel(order));
  await payments.service.db.run(sql`update payment_attempt set attempts = 1 where state = 'DUE'`);
  await payments.settle();
  expect(await payments.provider.charge(order)).toBe('REFUNDED');
  const refund = double.books.ledger.findIndex(({ key }) => key === `${paymentId}:refund:1`);
  expect(refund).toBeGreaterThan(0);
  const line = double.books.ledger[refund];
  if (line !== undefined) double.books.ledger[refund] = { ...line, key: `${paymentId}:refund` };
});

/** Given back in the console, of what was captured. */
function refundInConsole(order: string, amount: number): void {
  const [intent] = double.books.of(order);
  if (intent?.latest_charge) intent.latest_charge.amount_refunded += amount;
  double.books.ledger.push({ key: 'console', orderId: order, kind: 'refund', amount, currency: 'EUR', result: 'ok' });
}

/** Our books show one refund of everything, under our key, whoever made which part of it. */
function mergeRefunds(order: string, paymentId: string): void {
  const isRefund = ({ orderId, kind }: Line) => orderId === order && kind === 'refund';
  const refunds = double.books.ledger.filter(isRefund);
  const others = double.books.ledger.filter((line) => !isRefund(line));
  const amount = refunds.reduce((sum, line) => sum + line.amount, 0);
  const whole = { key: `${paymentId}:refund`, orderId: order, kind: 'refund', amount, currency: 'EUR', result: 'ok' };
  double.books.ledger.splice(0, Number.POSITIVE_INFINITY, ...others, whole as Line);
}

test.each([
  ['told at once', false],
  ['told by a repetition, its first answer having been lost', true],
])('a charge that was refunded in part in the console gets the rest of it back, %s', async (_, isLost) => {
  const order = await captured();
  const { payment_id: paymentId } = await payments.payment(order);
  refundInConsole(order, 1000);
  await payments.deliver(cancel(order));
  if (isLost) {
    const reference = double.books.of(order)[0]?.id ?? '';
    const request = { paymentId, key: `${paymentId}:refund`, orderId: order, amountMinor: 4200n, currency: 'EUR' };
    const call = { ...request, reference, isRepetition: false, ageSeconds: 0 };
    const said = await payments.context.deps.provider.refund(call, new AbortController().signal);
    expect(said).toMatchObject({ kind: 'approved', amountMinor: 4200n });
    await payments.service.db.run(sql`update payment_attempt set attempts = 1 where state = 'DUE'`);
  }
  await payments.settle();
  expect((await payments.answers(order)).at(-1)).toBe('Cancelled');
  expect(await payments.provider.charge(order)).toBe('REFUNDED');
  const refunds = (await payments.provider.ledger(order)).filter((line) => line.startsWith('refund'));
  expect(refunds).toEqual(['refund:ok:1000', 'refund:ok:3200']);
  mergeRefunds(order, paymentId);
});

test('a charge that was refunded in full in the console is refunded, and nothing is asked for twice', async () => {
  const order = await captured();
  const { payment_id: paymentId } = await payments.payment(order);
  refundInConsole(order, 4200);
  await payments.deliver(cancel(order));
  await payments.settle();
  expect((await payments.answers(order)).at(-1)).toBe('Cancelled');
  expect((await payments.provider.ledger(order)).filter((line) => line.startsWith('refund'))).toEqual([
    'refund:ok:4200',
  ]);
  mergeRefunds(order, paymentId);
});

test('a refund that fails after it was told is made again, and our books show one capture and one refund', async () => {
  const order = await captured();
  const { payment_id: paymentId } = await payments.payment(order);
  await payments.deliver(cancel(order));
  await payments.settle();
  const [intent] = double.books.of(order);
  if (intent?.latest_charge) intent.latest_charge.amount_refunded = 0;
  const failed = double.books.ledger.findIndex(({ key }) => key === `${paymentId}:refund`);
  double.books.ledger.splice(failed, 1);
  await payments.service.db.run(sql`insert into reconciliation_suspect (payment_id) values (${paymentId})`);
  await payments.reconcile();
  await payments.reconcile();
  expect(await payments.provider.charge(order)).toBe('REFUNDED');
  expect(await payments.findings(order)).toEqual(['LATE_CHARGE:resolved']);
  const booked = await payments.service.db.rows(sql<{ kind: string }>`
    select kind from ledger_entry where order_id = ${order} and account = 'provider:stripe' order by id`);
  expect(booked.map(({ kind }) => kind)).toEqual(['capture', 'refund']);
  mergeRefunds(order, paymentId);
});

test('an intent that bears no id of ours under our name ends no pass', async () => {
  const order = await captured();
  const [own] = double.books.of(order);
  const second = { amount: 4200, currency: 'eur', metadata: own?.metadata ?? {}, status: 'requires_capture' };
  const { id } = double.books.add(second);
  const foreign = { ...second, metadata: { stoa_payment_id: 'order 4711' } };
  const { id: foreignId } = double.books.add(foreign);
  await payments.reconcile();
  await payments.reconcile();
  expect(double.books.intent(foreignId).status).toBe('requires_capture');
  expect(double.books.intent(id).status).toBe('canceled');
});

test('a second intent of a captured payment is found and cancelled, the first stays', async () => {
  const order = await captured();
  const [first] = double.books.of(order);
  const second = { amount: 4200, currency: 'eur', metadata: first?.metadata ?? {}, status: 'requires_capture' };
  const { id } = double.books.add(second);
  await payments.reconcile();
  await payments.reconcile();
  expect(double.books.intent(id).status).toBe('canceled');
  expect(first?.status).toBe('succeeded');
  expect(await payments.findings(order)).toEqual(['DUPLICATE_CHARGE:resolved']);
});

test('a secret key that is refused makes the service unready until it is good, and loses nothing', async () => {
  const order = payments.newOrder();
  double.state.brokenKey = true;
  await payments.deliver(authorize(order));
  await payments.workOnce();
  expect(definition.unready?.(payments.context)).toMatch(/refuses the secret key .*401/);
  expect(await payments.answers(order)).toEqual([]);
  double.state.brokenKey = false;
  await payments.settle();
  expect(definition.unready?.(payments.context)).toBeUndefined();
  expect(await payments.answers(order)).toEqual(['Authorized']);
});

test('the same key with another body is an error at Stripe, and unknown here', async () => {
  const { provider } = payments.context.deps;
  const request = {
    paymentId: payments.newOrder(),
    key: `${payments.newOrder()}:authorize`,
    orderId: payments.newOrder(),
    amountMinor: 4200n,
    currency: 'EUR',
    reference: '',
    isRepetition: false,
    ageSeconds: 0,
    methodId: 'card',
    token: 'tok_approve',
  };
  const { signal } = new AbortController();
  expect(await provider.authorize(request, signal)).toMatchObject({ kind: 'approved' });
  const other = await provider.authorize({ ...request, amountMinor: 1n }, signal);
  expect(other).toEqual({ kind: 'unknown', code: 'IDEMPOTENCY_KEY_REUSED' });
});

test('a start without a secret key or a webhook secret says which is missing', () => {
  const start = (change: object) => () =>
    definition.setup?.({ ...payments.context, config: { ...payments.context.config, ...change }, deps: undefined });
  expect(start({ stripeSecretKey: undefined })).toThrow(/STOA_STRIPE_SECRET_KEY/);
  expect(start({ webhookSecret: undefined })).toThrow(/STOA_PAYMENTS_WEBHOOK_SECRET/);
});
