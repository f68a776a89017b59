// Hanging calls hold up nobody else: by lanes, not by luck. Their deadline is far longer than the test, so that whoever
// waited for them would never be authorized in it.
import { sql } from '@stoa/chassis/postgres/sql';
import { afterEach, describe, expect, test } from 'vitest';
import { providerCalls } from '../../src/infrastructure/provider-calls.ts';
import { authorize, openPayments, type Payments, PROVIDERS, until } from './fixtures.ts';

const NEVER_MS = '60000';

describe.each(PROVIDERS)('%s', (kind) => {
  let payments: Payments | undefined;
  afterEach(() => payments?.stop());

  async function untilAuthorized(open: Payments, orders: readonly string[]): Promise<void> {
    await until(open.context.clock, async () => {
      const { done } = await open.service.db.one(sql<{ done: bigint }>`
        select count(*) as done from payment where state = 'AUTHORIZED' and order_id = any(${orders}::uuid[])`);
      return done === BigInt(orders.length);
    });
  }

  /** While the job runs as the host would run it. */
  async function whileWorking(open: Payments, body: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const running = providerCalls.run(open.context, stop.signal);
    try {
      await body();
    } finally {
      stop.abort();
      await running;
    }
  }

  test('orders go on while others hang, also those that come in after them', async () => {
    const open = await openPayments({ STOA_PAYMENTS_CALL_DEADLINE_MS: NEVER_MS }, kind);
    payments = open;
    const hanging = Array.from({ length: 20 }, () => open.newOrder());
    const orders = Array.from({ length: 100 }, () => open.newOrder());
    const later = Array.from({ length: 100 }, () => open.newOrder());
    await open.deliver(...hanging.map((order) => authorize(order, 'tok_hang')));
    await open.deliver(...orders.map((order) => authorize(order)));
    await whileWorking(open, async () => {
      await untilAuthorized(open, orders);
      await open.deliver(...later.map((order) => authorize(order)));
      await untilAuthorized(open, later);
      expect(await open.payment(hanging[0] as string)).toMatchObject({ state: 'PENDING', operation: 'authorize' });
    });
  });

  test('payments that hang again and again fill the lane of repetitions and no more', async () => {
    const limits = { STOA_PAYMENTS_CALL_DEADLINE_MS: NEVER_MS, STOA_PAYMENTS_CONCURRENCY: '8' };
    const open = await openPayments(limits, kind);
    payments = open;
    const hanging = Array.from({ length: 30 }, () => open.newOrder());
    await open.deliver(...hanging.map((order) => authorize(order, 'tok_hang')));
    // As if each of them had hung before.
    await open.service.db.run(sql`update payment_attempt set attempts = 3`);
    const orders = Array.from({ length: 60 }, () => open.newOrder());
    await whileWorking(open, async () => {
      await until(open.context.clock, async () => {
        const { busy } = await open.service.db.one(sql<{ busy: bigint }>`
          select count(*) as busy from payment_attempt where attempts = 4`);
        return busy === 2n;
      });
      await open.deliver(...orders.map((order) => authorize(order)));
      await untilAuthorized(open, orders);
    });
  });
});
