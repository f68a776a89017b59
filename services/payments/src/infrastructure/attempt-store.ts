// The calls that are owed to the provider, in SQL: begun, leased, settled, put off.
import type { Database, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Operation } from '../domain/payment.ts';

export interface AttemptKey {
  readonly paymentId: string;
  readonly operation: Operation;
}

/** A leased call: everything that the provider must be told. */
export interface DueCall extends AttemptKey {
  readonly orderId: string;
  /** Calls begun, this one included. */
  readonly attempts: number;
  /** Since the operation began, by the database's clock. */
  readonly ageSeconds: number;
  /** Of a refund: what was captured. */
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly methodId: string;
  readonly token: string;
  readonly reference: string;
}

export interface LeaseLimits {
  /** First calls at most. */
  readonly fresh: number;
  /** Repetitions at most. */
  readonly repeats: number;
  readonly leaseMs: number;
}

interface DueRow {
  payment_id: string;
  operation: Operation;
  order_id: string;
  attempts: number;
  age_seconds: number;
  amount_minor: bigint;
  currency: string;
  method_id: string;
  token: string;
  reference: string;
}

/** Takes due calls, oldest first. Until the lease ends nobody else gets them; after it anybody does. */
export async function leaseDue(db: Database, { fresh, repeats, leaseMs }: LeaseLimits): Promise<DueCall[]> {
  const rows = await db.rows(sql<DueRow>`
    with fresh as materialized (
      select payment_id, operation from payment_attempt
      where state = 'DUE' and attempts = 0 and next_attempt_at <= now()
      order by next_attempt_at limit ${fresh} for update skip locked
    ), repeats as materialized (
      select payment_id, operation from payment_attempt
      where state = 'DUE' and attempts > 0 and next_attempt_at <= now()
      order by next_attempt_at limit ${repeats} for update skip locked
    ), due as (select payment_id, operation from fresh union all select payment_id, operation from repeats)
    update payment_attempt a
    set attempts = a.attempts + 1, next_attempt_at = now() + ${leaseMs}::int * interval '1 millisecond',
      updated_at = now()
    from due join payment p using (payment_id)
    where a.payment_id = due.payment_id and a.operation = due.operation
    returning a.payment_id, a.operation, p.order_id, a.attempts,
      extract(epoch from now() - a.created_at)::float8 as age_seconds,
      case a.operation when 'refund' then p.captured_minor else p.amount_minor end as amount_minor,
      p.currency, p.method_id, p.token, p.reference`);
  return rows.map((row) => ({
    paymentId: row.payment_id,
    operation: row.operation,
    orderId: row.order_id,
    attempts: row.attempts,
    ageSeconds: row.age_seconds,
    amountMinor: row.amount_minor,
    currency: row.currency,
    methodId: row.method_id,
    token: row.token,
    reference: row.reference,
  }));
}

/** Writes the intents: from now on the calls are owed, whatever crashes. */
export async function beginAttempts(tx: Tx, begun: readonly AttemptKey[]): Promise<void> {
  if (begun.length === 0) return;
  await tx.run(sql`
    insert into payment_attempt (payment_id, operation, state)
    select b.payment_id, b.operation, 'DUE'
    from unnest(${begun.map((b) => b.paymentId)}::uuid[], ${begun.map((b) => b.operation)}::text[])
      as b (payment_id, operation)`);
}

export interface AttemptChange extends AttemptKey {
  /** DUE puts it off by `pauseMs`; the others end it. */
  readonly state: 'DUE' | 'DONE' | 'SUPERSEDED';
  readonly pauseMs: number;
  readonly error: string;
}

/** Ends attempts or puts them off. One that has ended stays so. */
export async function changeAttempts(tx: Tx, changes: readonly AttemptChange[]): Promise<void> {
  if (changes.length === 0) return;
  await tx.run(sql`
    update payment_attempt a
    set state = c.state, last_error = c.error, updated_at = now(),
      next_attempt_at = now() + c.pause_ms * interval '1 millisecond'
    from unnest(${changes.map((c) => c.paymentId)}::uuid[], ${changes.map((c) => c.operation)}::text[],
      ${changes.map((c) => c.state)}::text[], ${changes.map((c) => c.pauseMs)}::int[],
      ${changes.map((c) => c.error)}::text[]) as c (payment_id, operation, state, pause_ms, error)
    where a.payment_id = c.payment_id and a.operation = c.operation and a.state = 'DUE'`);
}

/** Ends the pauses between calls for these payments; how many there were. A first call under way is left alone. */
export function hurryAttempts(tx: Tx, paymentIds: readonly string[]): Promise<number> {
  return tx.run(sql`
    update payment_attempt set next_attempt_at = now(), updated_at = now()
    where payment_id = any(${paymentIds}::uuid[]) and state = 'DUE' and not (attempts = 1 and last_error = '')`);
}
