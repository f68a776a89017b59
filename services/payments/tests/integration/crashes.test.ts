// What is lost when the process ends at a bad moment: nothing but time. A crash is played by never writing what the
// provider said, or by cutting the job off; afterwards the leases run out.
import type { Database } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { PaymentsContext } from '../../src/context.ts';
import { providerCalls } from '../../src/infrastructure/provider-calls.ts';
import { authorize, cancel, capture, openPayments, type Payments, PROVIDERS } from './fixtures.ts';

describe.each(PROVIDERS)('%s', (kind) => {
  let payments: Payments;
  beforeAll(async () => {
    payments = await openPayments({}, kind);
  });
  afterAll(() => payments?.stop());
  afterEach(() => payments.expectBooksToAgree());

  /** Runs the job in a process that calls the provider and dies before it can write the answers. */
  async function workAndDie(): Promise<void> {
    const db: Database = { ...payments.context.db, transact: () => Promise.reject(new Error('the process died')) };
    const log = { ...payments.context.log, warn: () => undefined };
    const dying: PaymentsContext = { ...payments.context, db, log };
    await providerCalls.run(dying, new AbortController().signal);
  }

  test.each([
    ['authorize', [], ['Authorized']],
    ['capture', ['authorize'], ['Authorized', 'Captured']],
    ['void', ['authorize'], ['Authorized', 'Cancelled']],
    ['refund', ['authorize', 'capture'], ['Authorized', 'Captured', 'Cancelled']],
  ] as const)(
    'a crash after %s was done and before it was written repeats the call under the same key',
    async (last, before, told) => {
      const order = payments.newOrder();
      const commands = {
        authorize: authorize(order),
        capture: capture(order),
        void: cancel(order),
        refund: cancel(order),
      };
      for (const step of before) {
        await payments.deliver(commands[step]);
        await payments.settle();
      }
      await payments.deliver(commands[last]);
      await workAndDie();
      expect(await payments.answers(order)).toEqual(told.slice(0, -1));
      await payments.expireLeases();
      await payments.settle();
      expect(await payments.answers(order)).toEqual(told);
      expect(await payments.attempts(order)).toContain(`${last}:DONE:2`);
      const done = (await payments.provider.ledger(order)).filter((line) => line.startsWith(last));
      expect(done).toEqual([`${last}:ok:4200`]);
    },
  );

  test('a crash after the authorization and a cancellation before the restart end with nothing held', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order));
    await workAndDie();
    expect(await payments.provider.charge(order)).toBe('AUTHORIZED');
    await payments.deliver(cancel(order));
    await payments.settle();
    expect(await payments.answers(order)).toEqual(['Cancelled']);
    expect(await payments.provider.charge(order)).toBe('VOIDED');
  });

  test('a host that stops cuts hanging calls off and writes nothing about them', async () => {
    const slow = await openPayments({ STOA_PAYMENTS_CALL_DEADLINE_MS: '60000' }, kind);
    try {
      const order = slow.newOrder();
      await slow.deliver(authorize(order, 'tok_hang'));
      const stop = new AbortController();
      const running = providerCalls.run(slow.context, stop.signal);
      await slow.context.clock.sleep(100);
      stop.abort();
      expect(await running).toBe(false);
      expect(await slow.answers(order)).toEqual([]);
      expect(await slow.payment(order)).toMatchObject({ state: 'PENDING', operation: 'authorize' });
      expect(await slow.attempts(order)).toEqual(['authorize:DUE:1']);
    } finally {
      await slow.stop();
    }
  });

  test('two replicas share the work: no call is made twice', async () => {
    const orders = Array.from({ length: 150 }, () => payments.newOrder());
    await payments.deliver(...orders.map((order) => authorize(order)));
    await Promise.all([payments.work(), payments.work()]);
    await payments.settle();
    const { calls, authorized } = await payments.service.db.one(sql<{ calls: bigint; authorized: bigint }>`
    select sum(attempts)::bigint as calls, count(*) filter (where p.state = 'AUTHORIZED') as authorized
    from payment_attempt join payment p using (payment_id) where order_id = any(${orders}::uuid[])`);
    expect({ calls, authorized }).toEqual({ calls: 150n, authorized: 150n });
  });

  test('a payment whose row contradicts its answer holds up no other in its batch', async () => {
    const [broken, sound] = [payments.newOrder(), payments.newOrder()];
    for (const step of [authorize, capture]) {
      await payments.deliver(step(broken), step(sound));
      if (step === authorize) await payments.settle();
    }
    const breakIt = (captured: bigint) =>
      payments.service.db.run(sql`update payment set captured_minor = ${captured} where order_id = ${broken}`);
    await breakIt(1n);
    const log = { ...payments.context.log, warn: () => undefined };
    await providerCalls.run({ ...payments.context, log }, new AbortController().signal);
    expect(await payments.answers(sound)).toEqual(['Authorized', 'Captured']);
    expect(await payments.answers(broken)).toEqual(['Authorized']);
    await breakIt(0n);
    await payments.expireLeases();
    await payments.settle();
    expect(await payments.answers(broken)).toEqual(['Authorized', 'Captured']);
  });

  test('a movement that is already booked cannot be booked again, whatever the code does', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order), capture(order));
    await payments.settle();
    const again = payments.service.db.run(sql`
    insert into ledger_entry (order_id, payment_id, kind, provider_key, account, debit_minor, credit_minor, currency)
    select order_id, payment_id, kind, provider_key, account, debit_minor, credit_minor, currency
    from ledger_entry where order_id = ${order}`);
    await expect(again).rejects.toMatchObject({ code: '23505' });
    const overdrawn = payments.service.db.run(sql`
    update payment set refunded_minor = captured_minor + 1 where order_id = ${order}`);
    await expect(overdrawn).rejects.toMatchObject({ constraint: 'refunded_at_most_the_captured' });
  });
});
