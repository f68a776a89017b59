// Passes of the reconciler that end early, one way or another, and what they leave to the next.
import { sql } from '@stoa/chassis/postgres/sql';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PaymentProvider, RecordPage } from '../../src/infrastructure/provider.ts';
import { reconcile } from '../../src/infrastructure/reconcile/reconcile.ts';
import { authorize, cancel, capture, openPayments, type Payments } from './fixtures.ts';

const EVERY_MS = 60_000;
const DEADLINE_MS = 1000;

let payments: Payments;
beforeAll(async () => {
  payments = await openPayments({
    STOA_PAYMENTS_RECONCILE_EVERY_MS: String(EVERY_MS),
    STOA_PAYMENTS_CALL_DEADLINE_MS: String(DEADLINE_MS),
  });
});
afterAll(() => payments?.stop());
beforeEach(() => payments.service.db.run(sql`delete from reconciliation_progress`));

/** The reconciler with another list of the provider. */
function reconcileWith(list: PaymentProvider['list'], signal = new AbortController().signal): Promise<boolean> {
  const { context } = payments;
  const provider = { ...context.deps.provider, list };
  return reconcile.run({ ...context, deps: { ...context.deps, provider } }, signal);
}

interface Progress {
  /** Until the next pass is due. */
  readonly pauseMs: number;
  readonly compared: Date;
  readonly due: Date;
}

const progress = () =>
  payments.service.db.one(sql<Progress>`
    select (extract(epoch from next_pass_at - now()) * 1000)::float8 as "pauseMs", compared_until as compared,
      next_pass_at as due
    from reconciliation_progress`);

const NOTHING: RecordPage = { records: [], cursor: undefined };
const MORE: RecordPage = { records: [], cursor: 'more' };

test('a list that fails puts the next pass off by the pause between passes and no longer, and holds up no suspect', async () => {
  const order = payments.newOrder();
  await payments.deliver(authorize(order), cancel(order));
  await payments.settle();
  await payments.provider.reviveAuthorization(order);
  const { payment_id: paymentId } = await payments.payment(order);
  await payments.service.db.run(sql`insert into reconciliation_suspect (payment_id) values (${paymentId})`);
  const busy = () => Promise.reject(new Error('429'));
  await expect(reconcileWith(busy)).rejects.toThrow('429');
  expect(await payments.provider.charge(order)).toBe('VOIDED');
  const { pauseMs, compared } = await progress();
  expect(pauseMs).toBeLessThanOrEqual(EVERY_MS);
  // Not due at once either: the provider has asked for patience.
  let asked = 0;
  await reconcileWith(async () => {
    asked++;
    return NOTHING;
  });
  expect(asked).toBe(0);
  expect((await progress()).compared).toEqual(compared);
});

test('a host that stops gives the pass back: it is due at once, from where it began', async () => {
  const stop = new AbortController();
  const stopping = async () => {
    stop.abort();
    return MORE;
  };
  await reconcileWith(stopping, stop.signal);
  const { pauseMs, compared } = await progress();
  expect(pauseMs).toBeLessThanOrEqual(0);
  expect(Date.now() - compared.getTime()).toBeGreaterThan(EVERY_MS);
});

test('a pass whose process dies is due again when one page has had its time; each page gets its own', async () => {
  const due: Date[] = [];
  await reconcileWith(async () => {
    const { due: leasedUntil, pauseMs } = await progress();
    expect(pauseMs).toBeGreaterThan(DEADLINE_MS);
    expect(pauseMs).toBeLessThanOrEqual(DEADLINE_MS + 30_000);
    due.push(leasedUntil);
    await payments.context.clock.sleep(5);
    return due.length < 3 ? MORE : NOTHING;
  });
  expect(due).toHaveLength(3);
  expect(due).toEqual(due.toSorted((a, b) => a.getTime() - b.getTime()));
  expect(new Set(due.map((at) => at.getTime())).size).toBe(3);
});

test('a pass that has lost its lease ends, and touches nothing of the one that took over', async () => {
  let pages = 0;
  await reconcileWith(async () => {
    pages++;
    await payments.service.db.run(sql`
      update reconciliation_progress set next_pass_at = '2100-01-01', compared_until = '2020-01-01'`);
    return MORE;
  });
  expect(pages).toBe(1);
  await payments.service.db.run(sql`update reconciliation_progress set next_pass_at = now()`);
  await reconcileWith(async () => {
    await payments.service.db.run(sql`update reconciliation_progress set next_pass_at = '2100-01-01'`);
    return NOTHING;
  });
  expect(await progress()).toMatchObject({ due: new Date('2100-01-01'), compared: new Date('2020-01-01') });
});

test('a movement that was committed after one with a higher id is compared all the same', async () => {
  const [first, second] = [payments.newOrder(), payments.newOrder()];
  await payments.deliver(authorize(first), capture(first));
  await payments.settle();
  await payments.reconcile();
  await payments.deliver(authorize(second), capture(second));
  await payments.settle();
  // As if its writer had taken the ids before the first one's.
  await payments.service.db.run(sql`
    with own as (delete from ledger_entry where order_id = ${second} returning *)
    insert into ledger_entry overriding system value
    select -id, order_id, payment_id, kind, provider_key, account, debit_minor, credit_minor, currency, created_at
    from own`);
  await payments.provider.lose(second);
  await payments.service.db.run(sql`update reconciliation_progress set next_pass_at = now()`);
  await payments.reconcile();
  expect(await payments.findings(second)).toEqual(['MISSING_AT_PROVIDER:open']);
  expect(await payments.findings(first)).toEqual([]);
});
