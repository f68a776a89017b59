// Variants by SKU: every cart and every checkout asks for them. Unlisted ones are found too, because orders may name
// them; their availability is "out of stock" from the moment they were unlisted.
import { gather } from '@stoa/chassis/gather';
import type { Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Clock } from '@stoa/chassis/runtime';
import type { SelectedOption, StockBand } from '../domain/product.ts';

export interface PricedVariantRow {
  readonly sku: string;
  readonly product_id: string;
  readonly name: string;
  readonly options: readonly SelectedOption[];
  readonly currency: string;
  readonly price_minor: bigint;
  readonly price_version: number;
  readonly availability: StockBand;
  readonly product_name: string;
  readonly product_slug: string;
  readonly image_url: string;
}

/** Loads the variants of lists of SKUs: lists that come while a statement is under way share the next one. */
export function createVariantLoader(
  db: Queryable,
  clock: Clock,
): (skus: readonly string[]) => Promise<PricedVariantRow[]> {
  return gather({
    clock,
    async run(lists: readonly (readonly string[])[]) {
      const rows = await loadVariants(db, lists.length === 1 ? (lists[0] ?? []) : [...new Set(lists.flat())]);
      if (lists.length === 1) return [rows];
      const bySku = new Map(rows.map((row) => [row.sku, row]));
      return lists.map((skus) => skus.flatMap((sku) => bySku.get(sku) ?? []));
    },
  });
}

async function loadVariants(db: Queryable, skus: readonly string[]): Promise<PricedVariantRow[]> {
  if (skus.length === 0) return [];
  return db.rows(sql<PricedVariantRow>`
    select v.sku, v.product_id, v.name, v.options, v.currency, v.price_minor, v.price_version, v.availability,
      p.name as product_name, p.slug as product_slug, p.image_url
    from variants v join products p on p.id = v.product_id
    where v.sku = any(${skus}::text[])`);
}
