// Stock levels in SQL. Whoever changes levels locks them first, all at once and in the order of SKUs.
import type { Queryable, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Line, StockLevel } from '../domain/stock.ts';

interface LevelRow {
  sku: string;
  on_hand: bigint;
  reserved: bigint;
  version: bigint;
}

const toLevel = (row: LevelRow): StockLevel => ({
  sku: row.sku,
  onHand: row.on_hand,
  reserved: row.reserved,
  version: row.version,
});

const skusOf = (lines: readonly Line[]) => lines.map((line) => line.sku);
const unitsOf = (lines: readonly Line[]) => lines.map((line) => line.quantity);

/** Levels of the SKUs that are known, in the order of SKUs. */
export async function readLevels(db: Queryable, skus: readonly string[]): Promise<StockLevel[]> {
  const rows = await db.rows(sql<LevelRow>`
    select sku, on_hand, reserved, version from stock where sku = any(${skus}::text[]) order by sku`);
  return rows.map(toLevel);
}

/** Locks the levels of the SKUs that are known until the transaction ends. */
export async function lockLevels(tx: Tx, skus: readonly string[]): Promise<Map<string, StockLevel>> {
  const rows = await tx.rows(sql<LevelRow>`
    select sku, on_hand, reserved, version from stock where sku = any(${skus}::text[]) order by sku for update`);
  return new Map(rows.map((row) => [row.sku, toLevel(row)]));
}

/** Makes SKUs known that are not, with nothing in stock. */
export async function addUnknown(tx: Tx, skus: readonly string[]): Promise<void> {
  await tx.run(sql`
    insert into stock (sku) select sku from unnest(${skus}::text[]) as s (sku) order by sku
    on conflict (sku) do nothing`);
}

/** Adds units to what is promised; each SKU at most once in `lines`, locked before. Returns the levels. */
export async function promise(tx: Tx, lines: readonly Line[]): Promise<StockLevel[]> {
  return changeReserved(tx, skusOf(lines), unitsOf(lines));
}

/** Takes units back from what is promised; each SKU at most once in `lines`, locked before. Returns the levels. */
export async function giveBack(tx: Tx, lines: readonly Line[]): Promise<StockLevel[]> {
  const freed = unitsOf(lines).map((units) => -units);
  return changeReserved(tx, skusOf(lines), freed);
}

async function changeReserved(tx: Tx, skus: readonly string[], units: readonly bigint[]): Promise<StockLevel[]> {
  const rows = await tx.rows(sql<LevelRow>`
    update stock s set reserved = s.reserved + d.units, version = s.version + 1
    from unnest(${skus}::text[], ${units}::bigint[]) as d (sku, units) where s.sku = d.sku
    returning s.sku, s.on_hand, s.reserved, s.version`);
  return rows.map(toLevel);
}

/** Adds units to what is in the warehouse; each SKU at most once in `lines`, locked before. Returns the levels. */
export async function bookIn(tx: Tx, lines: readonly Line[]): Promise<StockLevel[]> {
  const rows = await tx.rows(sql<LevelRow>`
    update stock s set on_hand = s.on_hand + d.units, version = s.version + 1
    from unnest(${skusOf(lines)}::text[], ${unitsOf(lines)}::bigint[]) as d (sku, units) where s.sku = d.sku
    returning s.sku, s.on_hand, s.reserved, s.version`);
  return rows.map(toLevel);
}
