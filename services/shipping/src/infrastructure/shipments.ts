// Shipments in SQL, a whole batch in each statement.
import type { Queryable, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { NewShipment, Shipment, ShipmentOutcome, ShipmentState } from '../domain/shipment.ts';

interface ShipmentRow {
  order_id: string;
  id: string | null;
  state: ShipmentState | 'REFUSED';
  method_id: string;
  tracking_number: string | null;
  reason: string;
  version: bigint;
  created_at: Date;
}

function toOutcome(row: ShipmentRow): ShipmentOutcome {
  const { order_id: orderId, method_id: methodId, version, id, state, tracking_number: trackingNumber } = row;
  if (state === 'REFUSED') return { kind: 'refused', orderId, methodId, reason: row.reason, version };
  if (id === null || trackingNumber === null) throw new Error(`the shipment of order ${orderId} is incomplete`);
  return { kind: 'shipment', orderId, id, state, methodId, trackingNumber, version, createdAt: row.created_at };
}

/**
 * Stores what was decided for orders that have no outcome yet, and takes the next version for those that have: their
 * stored outcome stands, whatever was decided now. Returns the outcome of every order, by order id. Insert and repeat
 * are one statement, so two consumers that meet cannot both think they were first.
 */
export async function storeOrRepeat(tx: Tx, decided: readonly NewShipment[]): Promise<Map<string, ShipmentOutcome>> {
  const rows = await tx.rows(sql<ShipmentRow>`
    insert into shipment as s (order_id, state, method_id, id, tracking_number, reason)
    select order_id, state, method_id, id, tracking_number, reason
    from unnest(${decided.map((d) => d.request.orderId)}::uuid[],
      ${decided.map((d) => (d.kind === 'shipment' ? 'CREATED' : 'REFUSED'))}::text[],
      ${decided.map((d) => d.request.methodId)}::text[],
      ${decided.map((d) => (d.kind === 'shipment' ? d.draw.id : null))}::uuid[],
      ${decided.map((d) => (d.kind === 'shipment' ? d.draw.trackingNumber : null))}::text[],
      ${decided.map((d) => (d.kind === 'refused' ? d.reason : ''))}::text[])
      as d (order_id, state, method_id, id, tracking_number, reason)
    order by order_id
    on conflict (order_id) do update set version = s.version + 1
    returning order_id, id, state, method_id, tracking_number, reason, version, created_at`);
  return new Map(rows.map((row) => [row.order_id, toOutcome(row)]));
}

/** The shipments of these orders; an order that has none, or was refused one, is absent. */
export async function findShipments(db: Queryable, orderIds: readonly string[]): Promise<Shipment[]> {
  const rows = await db.rows(sql<ShipmentRow>`
    select order_id, id, state, method_id, tracking_number, reason, version, created_at
    from shipment where order_id = any(${orderIds}::uuid[])`);
  return rows.map(toOutcome).filter((outcome) => outcome.kind === 'shipment');
}
