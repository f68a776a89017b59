// What the load buys: SKUs with enough stock, made plenty for the run.
import type { ObservedShop } from './observed.ts';

const PLENTY = 100_000_000;

/**
 * The SKUs that are in stock, with so many units more that no run sells them out. Booked as a receipt, so that the
 * audit's sums still hold.
 */
export async function stockUp(observed: ObservedShop): Promise<string[]> {
  const inventory = await observed.database('inventory');
  await inventory.query('begin');
  await inventory.query('select pg_advisory_xact_lock(5706, 1)');
  const { rows } = await inventory.query<{ sku: string }>(
    `update stock set on_hand = on_hand + $1 where on_hand >= 100 returning sku`,
    [PLENTY],
  );
  await inventory.query(
    `with receipt as (insert into stock_receipt (receipt_id) values (gen_random_uuid()) returning receipt_id)
     insert into stock_receipt_line (receipt_id, sku, quantity)
     select receipt_id, sku, $2 from receipt, unnest($1::text[]) as s (sku)`,
    [rows.map(({ sku }) => sku), PLENTY],
  );
  await inventory.query('commit');
  return rows.map(({ sku }) => sku).sort();
}

/** Makes so many units of a SKU available, no more and no less, by a receipt of the difference. */
export async function stockTo(observed: ObservedShop, sku: string, units: number): Promise<void> {
  const inventory = await observed.database('inventory');
  await inventory.query('begin');
  await inventory.query('select pg_advisory_xact_lock(5706, 1)');
  const { rows } = await inventory.query<{ difference: string }>(
    `update stock s set on_hand = s.reserved + $2::bigint from stock before where s.sku = $1 and before.sku = s.sku
     returning (s.on_hand - before.on_hand)::text as difference`,
    [sku, units],
  );
  await inventory.query(
    `with receipt as (insert into stock_receipt (receipt_id) values (gen_random_uuid()) returning receipt_id)
     insert into stock_receipt_line (receipt_id, sku, quantity) select receipt_id, $1, $2::bigint from receipt`,
    [sku, rows[0]?.difference],
  );
  await inventory.query('commit');
  await inventory.end();
}
