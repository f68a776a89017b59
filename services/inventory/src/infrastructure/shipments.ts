// Shipments in SQL: what left the warehouse.
import { createHash } from 'node:crypto';
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Reservation } from '../domain/reservation.ts';

/** The receipt of an order's shipment: the same for every repetition, and nobody else's, who may well take the order's id. */
function shipmentReceiptId(orderId: string): string {
  const bytes = createHash('sha256').update(`shipment of ${orderId}`).digest().subarray(0, 16);
  // UUIDv8 (RFC 9562): made by a rule of our own.
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/**
 * Books out what is reserved: a receipt for each order, the units neither on hand nor promised any more, the reservations
 * ended. The levels keep their version, because as much is available as before. An order's receipt a second time violates
 * the key. Only behind the closed gate: the stock rows are locked in no order.
 */
export async function bookOut(tx: Tx, shipped: readonly Reservation[]): Promise<void> {
  const out = shipped.flatMap(({ orderId, lines }) => {
    const receiptId = shipmentReceiptId(orderId);
    return lines.map((line) => ({ ...line, receiptId }));
  });
  await tx.run(sql`
    with line as (
      select * from unnest(${out.map((l) => l.receiptId)}::uuid[], ${out.map((l) => l.sku)}::text[],
        ${out.map((l) => l.quantity)}::bigint[]) as l (receipt_id, sku, quantity)
    ), receipt as (
      insert into stock_receipt (receipt_id) select distinct receipt_id from line
    ), receipt_line as (
      insert into stock_receipt_line (receipt_id, sku, quantity) select receipt_id, sku, -quantity from line
    ), ended as (
      update reservation set state = 'SHIPPED', changed_at = now()
      where order_id = any(${shipped.map((one) => one.orderId)}::uuid[])
    )
    update stock s set on_hand = s.on_hand - out.units, reserved = s.reserved - out.units
    from (select sku, sum(quantity)::bigint as units from line group by sku) as out where s.sku = out.sku`);
}
