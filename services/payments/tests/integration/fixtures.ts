// Payments on a real database with a provider behind it, quick enough for tests: what takes seconds in life takes
// milliseconds here. The same scenarios run against the sandbox and against Stripe's double.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from '@stoa/chassis/postgres/sql';
import { received, type TestMessage, type TestService, testService } from '@stoa/chassis/testing/test-service';
import {
  AuthorizePaymentSchema,
  CancelPaymentSchema,
  CapturePaymentSchema,
} from '@stoa/proto/stoa/payments/v1/commands_pb';
import { expect, inject } from 'vitest';
import type { PaymentsContext } from '../../src/context.ts';
import { providerCalls } from '../../src/infrastructure/provider-calls.ts';
import { payments } from '../../src/service.ts';
import { type ProviderKind, sandboxUnderTest, stripeUnderTest } from './providers.ts';

export { PROVIDERS, type ProviderKind } from './providers.ts';

export const TOTAL = 4200n;
export const WEBHOOK_SECRET = 'whsec_test';

const QUICK = {
  // No call runs into its deadline, however busy the machine is; tests in which something hangs set their own.
  STOA_PAYMENTS_CALL_DEADLINE_MS: '20000',
  STOA_PAYMENTS_RETRY_BASE_MS: '5',
  STOA_PAYMENTS_RETRY_CAP_MS: '20',
  STOA_PAYMENTS_SANDBOX_LATE_MS: '400',
  STOA_PAYMENTS_WEBHOOK_SECRET: WEBHOOK_SECRET,
  STOA_PAYMENTS_RECONCILE_EVERY_MS: '10',
  STOA_PAYMENTS_RECONCILE_GRACE_MS: '0',
};

export async function openPayments(env: Readonly<Record<string, string>> = {}, kind: ProviderKind = 'sandbox') {
  const { STOA_PAYMENTS_SANDBOX_LATE_MS: lateMs } = { ...QUICK, ...env };
  const provider = kind === 'sandbox' ? sandboxUnderTest() : await stripeUnderTest(Number(lateMs));
  const service = await testService(payments, {
    postgresUrl: inject('postgresUrl'),
    env: { ...QUICK, ...provider.env, ...env },
  });
  const context = service.context as PaymentsContext;
  const { db } = service;
  provider.attach(context);
  return {
    kind,
    provider,
    service,
    context,
    stop: async () => {
      await provider.close();
      await service.stop();
    },
    newOrder: () => context.ids.uuid(),
    deliver: (...messages: TestMessage[]) => service.deliver('payments.orders', messages),
    work: () => service.runJob('provider-calls'),
    /** Without repetitions: what has no definite answer now is put off until `settle`. */
    workOnce: () => {
      const config = { ...context.config, retryBaseMs: 3_600_000, retryCapMs: 3_600_000 };
      return providerCalls.run({ ...context, config }, new AbortController().signal);
    },
    settle: () => settle(service, context),
    reconcile: () => service.runJob('reconcile'),
    answers: (orderId: string) => answers(service, orderId),
    /** Without BecameUnknown: whether a failure leaves doubts differs among providers. */
    settledAnswers: async (orderId: string) =>
      (await answers(service, orderId)).filter((answer) => answer !== 'BecameUnknown'),
    payment: (orderId: string) =>
      db.one(sql<PaymentRow>`
        select payment_id, state, reason, captured_minor as captured, refunded_minor as refunded, operation, version
        from payment where order_id = ${orderId}`),
    attempts: async (orderId: string) => {
      const rows = await db.rows(sql<{ told: string }>`
        select a.operation || ':' || a.state || ':' || attempts as told
        from payment_attempt a join payment using (payment_id) where order_id = ${orderId} order by a.created_at, 1`);
      return rows.map((row) => row.told);
    },
    findings: (orderId: string) => readFindings(service, orderId),
    expireLeases: () => db.run(sql`update payment_attempt set next_attempt_at = now() where state = 'DUE'`),
    expectBooksToAgree: async () => {
      const ours = await db.rows(sql<{ line: string }>`
        select concat_ws(' ', provider_key, order_id, kind, debit_minor + credit_minor, currency) as line
        from ledger_entry where account = ${`provider:${kind}`}`);
      expect(ours.map(({ line }) => line).sort()).toEqual((await provider.movements()).sort());
      const { difference } = await db.one(sql<{ difference: string }>`
        select coalesce(sum(debit_minor) - sum(credit_minor), 0)::text as difference from ledger_entry`);
      expect(difference).toBe('0');
    },
  };
}

export type Payments = Awaited<ReturnType<typeof openPayments>>;

export const authorize = (orderId: string, paymentToken = 'tok_approve') =>
  received(AuthorizePaymentSchema, {
    orderId,
    amount: { currency: 'EUR', minor: TOTAL },
    paymentMethodId: 'card',
    paymentToken,
  });
export const capture = (orderId: string) => received(CapturePaymentSchema, { orderId });
export const cancel = (orderId: string, reason = 'CUSTOMER_REQUEST') =>
  received(CancelPaymentSchema, { orderId, reason });

/** Opens the service's own HTTP endpoint on a free port. */
export async function openHttp({ context }: Payments) {
  const endpoint = payments.http?.(context);
  const server = createServer(endpoint?.handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Works until nothing is owed any more, at most a minute. */
async function settle(service: TestService, { clock }: PaymentsContext): Promise<void> {
  await service.db.run(sql`update payment_attempt set next_attempt_at = now() where state = 'DUE'`);
  await until(clock, async () => {
    await service.runJob('provider-calls');
    await service.runJob('sandbox-late-charges');
    await service.runJob('sandbox-webhooks');
    const { due } = await service.db.one(sql<{ due: bigint }>`
      select count(*) as due from payment_attempt where state = 'DUE'`);
    return due === 0n;
  });
}

/** Repeats until it is so; fails after a minute: the machine may be busy. */
export async function until(clock: PaymentsContext['clock'], isSo: () => Promise<boolean>): Promise<void> {
  const end = clock.monotonicMs() + 60_000;
  while (!(await isSo())) {
    if (clock.monotonicMs() > end) throw new Error('it has not come about in a minute');
    await clock.sleep(5);
  }
}

/** Short names of what orders was told, in order; versions must rise by one. */
async function answers(service: TestService, orderId: string): Promise<string[]> {
  const events = (await service.outbox()).filter((event) => event.aggregateId === orderId);
  expect(events.map((event) => event.aggregateVersion)).toEqual(events.map((_, index) => BigInt(index + 1)));
  return events.map((event) => event.type.replace('stoa.payments.v1.Payment', ''));
}

/** As `KIND:open` or `KIND:resolved`, oldest first. */
async function readFindings({ db }: TestService, orderId: string): Promise<string[]> {
  const rows = await db.rows(sql<{ told: string }>`
    select kind || case when resolved_at is null then ':open' else ':resolved' end as told
    from reconciliation_finding join payment using (payment_id) where order_id = ${orderId} order by id`);
  return rows.map((row) => row.told);
}

interface PaymentRow {
  payment_id: string;
  state: string;
  reason: string;
  captured: bigint;
  refunded: bigint;
  operation: string | null;
  version: bigint;
}
