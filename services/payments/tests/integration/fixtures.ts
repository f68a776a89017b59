// Payments on a real database with the sandbox behind it, quick enough for tests: what takes seconds in life takes
// milliseconds here.
import type { Database } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { received, type TestMessage, type TestService, testService } from '@stoa/chassis/testing/test-service';
import {
  AuthorizePaymentSchema,
  CancelPaymentSchema,
  CapturePaymentSchema,
} from '@stoa/proto/stoa/payments/v1/commands_pb';
import { expect, inject } from 'vitest';
import type { PaymentsContext } from '../../src/context.ts';
import { payments } from '../../src/service.ts';

export const TOTAL = 4200n;

const QUICK = {
  STOA_PAYMENTS_CALL_DEADLINE_MS: '150',
  STOA_PAYMENTS_RETRY_BASE_MS: '5',
  STOA_PAYMENTS_RETRY_CAP_MS: '20',
  STOA_PAYMENTS_SANDBOX_LATE_MS: '400',
};

export async function openPayments(env: Readonly<Record<string, string>> = {}) {
  const service = await testService(payments, { postgresUrl: inject('postgresUrl'), env: { ...QUICK, ...env } });
  const context = service.context as PaymentsContext;
  const sandbox = context.databases.sandbox as Database;
  return {
    service,
    context,
    sandbox,
    stop: service.stop,
    newOrder: () => context.ids.uuid(),
    deliver: (...messages: TestMessage[]) => service.deliver('payments.orders', messages),
    work: () => service.runJob('provider-calls'),
    settle: () => settle(service, context),
    answers: (orderId: string) => answers(service, orderId),
    payment: (orderId: string) => readPayment(service.db, orderId),
    attempts: (orderId: string) => readAttempts(service.db, orderId),
    sandboxLedger: (orderId: string) => readSandboxLedger(sandbox, orderId),
    charge: (orderId: string) => readCharge(sandbox, orderId),
    expireLeases: () => service.db.run(sql`update payment_attempt set next_attempt_at = now() where state = 'DUE'`),
    expectBooksToAgree: () => expectBooksToAgree(service.db, sandbox),
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

/** Works until nothing is owed any more, at most ten seconds. */
async function settle(service: TestService, { clock }: PaymentsContext): Promise<void> {
  const until = clock.monotonicMs() + 10_000;
  for (;;) {
    await service.runJob('provider-calls');
    await service.runJob('sandbox-late-charges');
    const { due } = await service.db.one(sql<{ due: bigint }>`
      select count(*) as due from payment_attempt where state = 'DUE'`);
    if (due === 0n) return;
    if (clock.monotonicMs() > until) throw new Error(`${due} calls are still due`);
    await clock.sleep(5);
  }
}

/** Short names of what orders was told, in order; versions must rise by one. */
async function answers(service: TestService, orderId: string): Promise<string[]> {
  const events = (await service.outbox()).filter((event) => event.aggregateId === orderId);
  expect(events.map((event) => event.aggregateVersion)).toEqual(events.map((_, index) => BigInt(index + 1)));
  return events.map((event) => event.type.replace('stoa.payments.v1.Payment', ''));
}

interface PaymentRow {
  payment_id: string;
  state: string;
  reason: string;
  captured: bigint;
  refunded: bigint;
  operation: string | null;
}

function readPayment(db: Database, orderId: string) {
  return db.one(sql<PaymentRow>`
    select payment_id, state, reason, captured_minor as captured, refunded_minor as refunded, operation
    from payment where order_id = ${orderId}`);
}

async function readAttempts(db: Database, orderId: string): Promise<string[]> {
  const rows = await db.rows(sql<{ told: string }>`
    select a.operation || ':' || a.state || ':' || attempts as told
    from payment_attempt a join payment using (payment_id) where order_id = ${orderId} order by a.created_at, 1`);
  return rows.map((row) => row.told);
}

async function readSandboxLedger(sandbox: Database, orderId: string): Promise<string[]> {
  const rows = await sandbox.rows(sql<{ told: string }>`
    select kind || ':' || case when ok then 'ok' else code end || ':' || amount_minor as told
    from ledger where order_ref = ${orderId} order by created_at, 1`);
  return rows.map((row) => row.told);
}

async function readCharge(sandbox: Database, orderId: string): Promise<string | undefined> {
  const row = await sandbox.maybe(sql<{ state: string }>`select state from charge where order_ref = ${orderId}`);
  return row?.state;
}

interface Booked {
  provider_key: string;
  order_ref: string;
  kind: string;
  amount: bigint;
  currency: string;
}

/** I6: our ledger and the provider's are equal row by row, and debits equal credits. */
async function expectBooksToAgree(db: Database, sandbox: Database): Promise<void> {
  const ours = await db.rows(sql<Booked>`
    select provider_key, order_id::text as order_ref, kind, debit_minor + credit_minor as amount, currency
    from ledger_entry where account = 'provider:sandbox' order by provider_key`);
  const theirs = await sandbox.rows(sql<Booked>`
    select provider_key, order_ref, kind, amount_minor as amount, currency
    from ledger where ok and kind in ('capture', 'refund') order by provider_key`);
  expect(ours).toEqual(theirs);
  const { difference } = await db.one(sql<{ difference: string }>`
    select coalesce(sum(debit_minor) - sum(credit_minor), 0)::text as difference from ledger_entry`);
  expect(difference).toBe('0');
}
