// Payments to be looked at one by one, in SQL.
import type { Database, Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';

export interface Suspect {
  readonly paymentId: string;
  /** Looks begun, this one included. */
  readonly looks: number;
}

/** Has payments looked at after `delayMs`, or earlier where that is due already. */
export async function suspect(db: Queryable, paymentIds: readonly string[], delayMs: number): Promise<void> {
  if (paymentIds.length === 0) return;
  await db.run(sql`
    insert into reconciliation_suspect (payment_id, next_look_at)
    select distinct id, now() + ${delayMs}::int * interval '1 millisecond' from unnest(${paymentIds}::uuid[]) as s (id)
    order by id
    on conflict (payment_id) do update
    set next_look_at = least(reconciliation_suspect.next_look_at, excluded.next_look_at)`);
}

/** Has a payment looked at now, unless something of it is under way: that will be asked about anyway. */
export async function suspectAtRest(db: Queryable, paymentId: string): Promise<void> {
  await db.run(sql`
    insert into reconciliation_suspect (payment_id)
    select ${paymentId}::uuid where not exists (
      select 1 from payment where payment_id = ${paymentId} and operation is not null)
    on conflict (payment_id) do update set next_look_at = now()`);
}

/** Takes due suspects; until the lease ends nobody else looks at them. */
export async function leaseSuspects(db: Database, limit: number, leaseMs: number): Promise<Suspect[]> {
  const rows = await db.rows(sql<{ payment_id: string; looks: number }>`
    with due as materialized (
      select payment_id from reconciliation_suspect where next_look_at <= now()
      order by next_look_at limit ${limit} for update skip locked
    )
    update reconciliation_suspect s
    set looks = looks + 1, next_look_at = now() + ${leaseMs}::int * interval '1 millisecond'
    from due where s.payment_id = due.payment_id
    returning s.payment_id, s.looks`);
  return rows.map(({ payment_id, looks }) => ({ paymentId: payment_id, looks }));
}

/** Ends a look: the payment is looked at again after `pauseMs`. */
export async function lookAgain(db: Queryable, paymentId: string, pauseMs: number): Promise<void> {
  await db.run(sql`
    update reconciliation_suspect set next_look_at = now() + ${pauseMs}::int * interval '1 millisecond'
    where payment_id = ${paymentId}`);
}

/** Nothing is suspicious any more, unless somebody has had it looked at anew since look number `looks`. */
export async function acquit(db: Queryable, { paymentId, looks }: Suspect): Promise<void> {
  await db.run(sql`
    delete from reconciliation_suspect
    where payment_id = ${paymentId} and looks = ${looks} and next_look_at > now()`);
}
