// Payments in SQL: load many under lock, write many in one statement each. The writes of a transaction do not wait
// for one another, so they travel together.
import type { Cause } from '@stoa/chassis/events/envelope';
import type { Queryable, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Goal, Operation, Payment, PaymentState } from '../domain/payment.ts';

/** A payment with what only the store keeps of it. */
export interface StoredPayment {
  readonly payment: Payment;
  /** The command that is being answered. */
  readonly cause: Cause;
  readonly updatedAt: Date;
}

interface PaymentRow {
  order_id: string;
  payment_id: string;
  state: PaymentState;
  goal: Goal;
  operation: Operation | null;
  amount_minor: bigint;
  currency: string;
  method_id: string;
  token: string;
  captured_minor: bigint;
  refunded_minor: bigint;
  reason: string;
  reference: string;
  action_url: string;
  action_secret: string;
  version: bigint;
  traceparent: string;
  causation_id: string;
  canary: string;
  updated_at: Date;
}

const toStored = (row: PaymentRow): StoredPayment => ({
  payment: {
    orderId: row.order_id,
    paymentId: row.payment_id,
    state: row.state,
    goal: row.goal,
    operation: row.operation ?? undefined,
    amountMinor: row.amount_minor,
    currency: row.currency,
    methodId: row.method_id,
    token: row.token,
    capturedMinor: row.captured_minor,
    refundedMinor: row.refunded_minor,
    reason: row.reason,
    reference: row.reference,
    action: actionOf(row),
    version: row.version,
  },
  cause: { traceparent: row.traceparent, causationId: row.causation_id || undefined, canary: row.canary },
  updatedAt: row.updated_at,
});

function actionOf({ state, action_url, action_secret }: PaymentRow): Payment['action'] {
  return state === 'ACTION_REQUIRED' ? { redirectUrl: action_url, clientSecret: action_secret } : undefined;
}

/** The payments of these orders that exist, locked until the transaction ends. */
export async function lockPayments(tx: Tx, orderIds: readonly string[]): Promise<Map<string, StoredPayment>> {
  const rows = await tx.rows(sql<PaymentRow>`
    select order_id, payment_id, state, goal, operation, amount_minor, currency, method_id, token, captured_minor,
      refunded_minor, reason, reference, action_url, action_secret, version, traceparent, causation_id, canary,
      updated_at
    from payment where order_id = any(${orderIds}::uuid[]) order by order_id for update`);
  return new Map(rows.map((row) => [row.order_id, toStored(row)]));
}

/** The payments of these orders that exist. */
export async function findPayments(db: Queryable, orderIds: readonly string[]): Promise<StoredPayment[]> {
  const rows = await db.rows(sql<PaymentRow>`
    select order_id, payment_id, state, goal, operation, amount_minor, currency, method_id, token, captured_minor,
      refunded_minor, reason, reference, action_url, action_secret, version, traceparent, causation_id, canary,
      updated_at
    from payment where order_id = any(${orderIds}::uuid[])`);
  return rows.map(toStored);
}

/** Those of these payments that exist, as they are now, by payment id. */
export async function readPayments(db: Queryable, paymentIds: readonly string[]): Promise<Map<string, Payment>> {
  const rows = await db.rows(sql<PaymentRow>`
    select order_id, payment_id, state, goal, operation, amount_minor, currency, method_id, token, captured_minor,
      refunded_minor, reason, reference, action_url, action_secret, version, traceparent, causation_id, canary,
      updated_at
    from payment where payment_id = any(${paymentIds}::uuid[])`);
  return new Map(rows.map((row) => [row.payment_id, toStored(row).payment]));
}

/** Writes new payments; fails when one of the orders has one already. */
export async function insertPayments(tx: Tx, list: readonly StoredPayment[]): Promise<void> {
  if (list.length === 0) return;
  const of = <T>(read: (payment: Payment) => T) => list.map(({ payment }) => read(payment));
  await tx.run(sql`
    insert into payment (order_id, payment_id, state, goal, operation, amount_minor, currency, method_id, token,
      captured_minor, refunded_minor, reason, reference, action_url, action_secret, version, traceparent,
      causation_id, canary, updated_at)
    select p.* from unnest(
      ${of((p) => p.orderId)}::uuid[], ${of((p) => p.paymentId)}::uuid[], ${of((p) => p.state)}::text[],
      ${of((p) => p.goal)}::text[], ${of((p) => p.operation ?? null)}::text[], ${of((p) => p.amountMinor)}::bigint[],
      ${of((p) => p.currency)}::text[], ${of((p) => p.methodId)}::text[], ${of((p) => p.token)}::text[],
      ${of((p) => p.capturedMinor)}::bigint[], ${of((p) => p.refundedMinor)}::bigint[],
      ${of((p) => p.reason)}::text[], ${of((p) => p.reference)}::text[],
      ${of((p) => p.action?.redirectUrl ?? '')}::text[], ${of((p) => p.action?.clientSecret ?? '')}::text[],
      ${of((p) => p.version)}::bigint[], ${list.map((s) => s.cause.traceparent)}::text[],
      ${list.map((s) => s.cause.causationId ?? '')}::text[], ${list.map((s) => s.cause.canary ?? '')}::text[],
      ${list.map((s) => s.updatedAt)}::timestamptz[]) as p`);
}

/** Writes back payments that `lockPayments` gave; order, id, amount, method and token never change. */
export async function updatePayments(tx: Tx, list: readonly StoredPayment[]): Promise<void> {
  if (list.length === 0) return;
  const of = <T>(read: (payment: Payment) => T) => list.map(({ payment }) => read(payment));
  const written = await tx.run(sql`
    update payment p
    set state = n.state, goal = n.goal, operation = n.operation, captured_minor = n.captured_minor,
      refunded_minor = n.refunded_minor, reason = n.reason, reference = n.reference, action_url = n.action_url,
      action_secret = n.action_secret, version = n.version, traceparent = n.traceparent,
      causation_id = n.causation_id, canary = n.canary, updated_at = n.updated_at
    from unnest(
      ${of((p) => p.orderId)}::uuid[], ${of((p) => p.state)}::text[], ${of((p) => p.goal)}::text[],
      ${of((p) => p.operation ?? null)}::text[], ${of((p) => p.capturedMinor)}::bigint[],
      ${of((p) => p.refundedMinor)}::bigint[], ${of((p) => p.reason)}::text[], ${of((p) => p.reference)}::text[],
      ${of((p) => p.action?.redirectUrl ?? '')}::text[], ${of((p) => p.action?.clientSecret ?? '')}::text[],
      ${of((p) => p.version)}::bigint[], ${list.map((s) => s.cause.traceparent)}::text[],
      ${list.map((s) => s.cause.causationId ?? '')}::text[], ${list.map((s) => s.cause.canary ?? '')}::text[],
      ${list.map((s) => s.updatedAt)}::timestamptz[])
      as n (order_id, state, goal, operation, captured_minor, refunded_minor, reason, reference, action_url,
        action_secret, version, traceparent, causation_id, canary, updated_at)
    where p.order_id = n.order_id`);
  if (written !== list.length) throw new Error(`wrote ${written} of ${list.length} locked payments`);
}
