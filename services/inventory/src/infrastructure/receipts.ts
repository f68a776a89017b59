// Receipts in SQL: what was booked in or out, once for each receipt id.
import { createHash } from 'node:crypto';
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Line } from '../domain/stock.ts';

/** Stores the receipt; false when its id is taken. Waits for another transaction that stores the same id. */
export async function insertReceipt(tx: Tx, receiptId: string, lines: readonly Line[]): Promise<boolean> {
  const stored = await tx.run(sql`
    with receipt as (
      insert into stock_receipt (receipt_id) values (${receiptId}) on conflict (receipt_id) do nothing
      returning receipt_id
    )
    insert into stock_receipt_line (receipt_id, sku, quantity)
    select receipt.receipt_id, line.sku, line.quantity
    from receipt, unnest(${lines.map((l) => l.sku)}::text[], ${lines.map((l) => l.quantity)}::bigint[])
      as line (sku, quantity)`);
  return stored > 0;
}

/** The receipt of an order's shipment: the same for every repetition, and nobody else's, who may well take the order's id. */
function shipmentReceiptId(orderId: string): string {
  const bytes = createHash('sha256').update(`shipment of ${orderId}`).digest().subarray(0, 16);
  // UUIDv8 (RFC 9562): made by a rule of our own.
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

export interface Shipped {
  readonly orderId: string;
  readonly lines: readonly Line[];
}

/** Stores what left the warehouse, a receipt for each order. That of one order a second time violates the key. */
export async function insertShipped(tx: Tx, shipped: readonly Shipped[]): Promise<void> {
  const out = shipped.flatMap(({ orderId, lines }) => {
    const receiptId = shipmentReceiptId(orderId);
    return lines.map(({ sku, quantity }) => ({ receiptId, sku, quantity: -quantity }));
  });
  await tx.run(sql`
    with line (receipt_id, sku, quantity) as (
      select * from unnest(${out.map((l) => l.receiptId)}::uuid[], ${out.map((l) => l.sku)}::text[],
        ${out.map((l) => l.quantity)}::bigint[])
    ), receipt as (
      insert into stock_receipt (receipt_id) select distinct receipt_id from line
    )
    insert into stock_receipt_line (receipt_id, sku, quantity) select receipt_id, sku, quantity from line`);
}

/** The lines of a stored receipt. */
export async function receiptLines(tx: Tx, receiptId: string): Promise<Line[]> {
  return tx.rows(sql<Line>`select sku, quantity from stock_receipt_line where receipt_id = ${receiptId} order by sku`);
}
