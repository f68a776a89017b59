// Hanging calls hold up nobody else.
import { sql } from '@stoa/chassis/postgres/sql';
import { afterEach, expect, test } from 'vitest';
import { providerCalls } from '../../src/infrastructure/provider-calls.ts';
import { authorize, openPayments, type Payments } from './fixtures.ts';

let payments: Payments | undefined;
afterEach(() => payments?.stop());

/** Time until all of them are authorized, while the job runs as the host would run it. */
async function timeToAuthorize(open: Payments, orders: readonly string[]): Promise<number> {
  const { clock } = open.context;
  const startedMs = clock.monotonicMs();
  for (;;) {
    const { done } = await open.service.db.one(sql<{ done: bigint }>`
      select count(*) as done from payment where state = 'AUTHORIZED' and order_id = any(${orders}::uuid[])`);
    if (done === BigInt(orders.length)) return clock.monotonicMs() - startedMs;
    if (clock.monotonicMs() - startedMs > 10_000) throw new Error(`${done} of ${orders.length} after 10 s`);
    await clock.sleep(5);
  }
}

async function whileWorking<T>(open: Payments, body: () => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const running = providerCalls.run(open.context, stop.signal);
  try {
    return await body();
  } finally {
    stop.abort();
    await running;
  }
}

test('orders go on while others hang, also those that come in after them', async () => {
  const open = await openPayments({ STOA_PAYMENTS_CALL_DEADLINE_MS: '3000' });
  payments = open;
  const hanging = Array.from({ length: 20 }, () => open.newOrder());
  const orders = Array.from({ length: 100 }, () => open.newOrder());
  const later = Array.from({ length: 100 }, () => open.newOrder());
  await open.deliver(...hanging.map((order) => authorize(order, 'tok_hang')));
  await open.deliver(...orders.map((order) => authorize(order)));
  const elapsedMs = await whileWorking(open, async () => {
    await timeToAuthorize(open, orders);
    await open.deliver(...later.map((order) => authorize(order)));
    return timeToAuthorize(open, later);
  });
  expect(elapsedMs).toBeLessThan(2000);
});

test('payments that hang again and again fill the lane of repetitions and no more', async () => {
  const open = await openPayments({ STOA_PAYMENTS_CALL_DEADLINE_MS: '1500', STOA_PAYMENTS_CONCURRENCY: '8' });
  payments = open;
  const hanging = Array.from({ length: 30 }, () => open.newOrder());
  await open.deliver(...hanging.map((order) => authorize(order, 'tok_hang')));
  // As if each of them had hung before.
  await open.service.db.run(sql`update payment_attempt set attempts = 3`);
  const orders = Array.from({ length: 60 }, () => open.newOrder());
  const elapsedMs = await whileWorking(open, async () => {
    await open.context.clock.sleep(50);
    await open.deliver(...orders.map((order) => authorize(order)));
    return timeToAuthorize(open, orders);
  });
  expect(elapsedMs).toBeLessThan(1200);
});
