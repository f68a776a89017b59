// Receipts in SQL: what was booked in or out, once for each receipt id.
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

/** The lines of a stored receipt. */
export async function receiptLines(tx: Tx, receiptId: string): Promise<Line[]> {
  return tx.rows(sql<Line>`select sku, quantity from stock_receipt_line where receipt_id = ${receiptId} order by sku`);
}
