// Reservations in SQL, a whole batch in each statement. Rows are locked in the order of order ids.
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Allocation } from '../domain/allocation.ts';
import type { Reservation, ReservationState } from '../domain/reservation.ts';

interface ReservationRow {
  order_id: string;
  state: ReservationState;
  expires_at: Date | null;
  overdue: boolean;
  reason: string;
  blocking_skus: string[];
  lines: { sku: string; quantity: number }[];
}

const toReservation = (row: ReservationRow): Reservation => ({
  orderId: row.order_id,
  state: row.state,
  lines: row.lines.map(({ sku, quantity }) => ({ sku, quantity: BigInt(quantity) })),
  expiresAt: row.expires_at ?? undefined,
  overdue: row.overdue,
  reason: row.reason,
  blockingSkus: row.blocking_skus,
});

/** Locks the reservations that exist for the orders, and returns them by order id. */
export async function lockReservations(tx: Tx, orderIds: readonly string[]): Promise<Map<string, Reservation>> {
  const rows = await tx.rows(sql<ReservationRow>`
    select r.order_id, r.state, r.expires_at, coalesce(r.expires_at <= now(), false) as overdue, r.reason,
      r.blocking_skus, coalesce((
        select jsonb_agg(jsonb_build_object('sku', l.sku, 'quantity', l.quantity) order by l.sku)
        from reservation_line l where l.order_id = r.order_id), '[]') as lines
    from reservation r where r.order_id = any(${orderIds}::uuid[]) order by r.order_id for update of r`);
  return new Map(rows.map((row) => [row.order_id, toReservation(row)]));
}

/**
 * Locks holds whose end has passed, the longest overdue first. Rows that another replica's job works on are skipped,
 * so nobody waits for a reservation here and their order does not matter.
 */
export async function lockOverdue(tx: Tx, limit: number): Promise<Reservation[]> {
  const rows = await tx.rows(sql<ReservationRow>`
    select r.order_id, r.state, r.expires_at, true as overdue, r.reason, r.blocking_skus, coalesce((
        select jsonb_agg(jsonb_build_object('sku', l.sku, 'quantity', l.quantity) order by l.sku)
        from reservation_line l where l.order_id = r.order_id), '[]') as lines
    from reservation r where r.state = 'HELD' and r.expires_at <= now()
    order by r.expires_at limit ${limit} for update of r skip locked`);
  return rows.map(toReservation);
}

export interface NewReservation {
  readonly allocation: Allocation;
  /** How long a hold lasts. */
  readonly holdSeconds: number;
}

/** Stores what was allocated and refused, with the lines that are held. Returns when the holds end, by order id. */
export async function insertReservations(tx: Tx, decided: readonly NewReservation[]): Promise<Map<string, Date>> {
  const all = decided.map(({ allocation }) => allocation);
  const held = all.flatMap((a) => (a.kind === 'held' ? a.lines.map((line) => ({ ...line, orderId: a.orderId })) : []));
  const rows = await tx.rows(sql<{ order_id: string; expires_at: Date | null }>`
    with line as (
      insert into reservation_line (order_id, sku, quantity)
      select order_id, sku, quantity from unnest(${held.map((l) => l.orderId)}::uuid[],
        ${held.map((l) => l.sku)}::text[], ${held.map((l) => l.quantity)}::bigint[]) as l (order_id, sku, quantity)
    )
    insert into reservation (order_id, state, expires_at, reason, blocking_skus)
    select order_id, state, case when state = 'HELD' then now() + make_interval(secs => seconds) end, reason,
      skus::jsonb
    from unnest(${all.map((a) => a.orderId)}::uuid[],
      ${all.map((a) => (a.kind === 'held' ? 'HELD' : 'REFUSED'))}::text[],
      ${decided.map((d) => d.holdSeconds)}::float8[],
      ${all.map((a) => (a.kind === 'held' ? '' : a.reason))}::text[],
      ${all.map((a) => JSON.stringify(a.kind === 'held' ? [] : a.skus))}::text[])
      as d (order_id, state, seconds, reason, skus)
    returning order_id, expires_at`);
  return new Map(rows.flatMap((row) => (row.expires_at === null ? [] : [[row.order_id, row.expires_at]])));
}

/** Remembers releases of orders that were never seen: their reserve, should it still come, is refused. */
export async function insertTombstones(tx: Tx, orderIds: readonly string[]): Promise<void> {
  await tx.run(sql`
    insert into reservation (order_id, state, reason)
    select order_id, 'RELEASED', 'RELEASED' from unnest(${orderIds}::uuid[]) as t (order_id)`);
}

/** Makes holds permanent: they no longer expire. */
export async function markCommitted(tx: Tx, orderIds: readonly string[]): Promise<void> {
  await tx.run(sql`
    update reservation set state = 'COMMITTED', expires_at = null, changed_at = now()
    where order_id = any(${orderIds}::uuid[])`);
}

/** Ends reservations whose units are given back in the same transaction. */
export async function markReleased(tx: Tx, orderIds: readonly string[], reason: 'RELEASED' | 'EXPIRED'): Promise<void> {
  await tx.run(sql`
    update reservation set state = 'RELEASED', reason = ${reason}, changed_at = now()
    where order_id = any(${orderIds}::uuid[])`);
}
