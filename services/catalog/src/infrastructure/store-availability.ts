// What inventory says of SKUs, and what follows for variants, products and listings. A band changes far less often
// than a level: most batches end after the first statement.
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';

export interface Level {
  readonly sku: string;
  readonly available: bigint;
  readonly version: bigint;
}

/**
 * Keeps the newer of what is known and what is told; a level that is not newer changes nothing, and a SKU that no
 * variant has yet is kept for the day it gets one. Returns the products with a variant whose band changed.
 */
export async function storeLevels(tx: Tx, levels: readonly Level[]): Promise<string[]> {
  const skus = levels.map((level) => level.sku);
  const available = levels.map((level) => level.available);
  const versions = levels.map((level) => level.version);
  const rows = await tx.rows(sql<{ product_id: string }>`
    with newer as (
      insert into sku_availability as known (sku, available, version)
      select * from unnest(${skus}::text[], ${available}::bigint[], ${versions}::bigint[])
      on conflict (sku) do update set available = excluded.available, version = excluded.version
      where known.version < excluded.version
      returning sku, available
    )
    update variants v set availability = stock_band(newer.available)
    from newer
    where v.sku = newer.sku and v.listed and v.availability <> stock_band(newer.available)
    returning v.product_id`);
  return [...new Set(rows.map((row) => row.product_id))];
}

/** Brings products and their listings in line with their variants' bands. */
export async function refreshAvailability(tx: Tx, productIds: readonly string[]): Promise<void> {
  await tx.run(sql`
    update products p set availability = best.band
    from (
      select product_id, max(availability) as band from variants
      where product_id = any(${productIds}::uuid[]) and listed group by product_id
    ) best
    where p.id = best.product_id and p.availability <> best.band`);
  await tx.run(sql`
    update product_listings l set in_stock = p.availability > 1
    from products p
    where p.id = any(${productIds}::uuid[]) and l.product_id = p.id and l.in_stock <> (p.availability > 1)`);
}
