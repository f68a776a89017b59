// Products with their listed variants as a page shows them, one statement for any number of products. The variants
// come as JSON aggregated by the database: one row a product, instead of a row a variant that repeats the description.
import type { Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { ProductOption, SelectedOption, StockBand } from '../domain/product.ts';

export interface VariantRow {
  readonly sku: string;
  readonly name: string;
  readonly options: readonly SelectedOption[];
  readonly currency: string;
  /** In decimal: JSON numbers end at 2^53. */
  readonly price: string;
  readonly priceVersion: number;
  readonly availability: StockBand;
}

export interface ProductRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly description: string;
  readonly image_url: string;
  readonly category_ids: readonly string[];
  readonly options: readonly ProductOption[];
  readonly currency: string;
  readonly price_from_minor: bigint;
  readonly price_to_minor: bigint;
  readonly availability: StockBand;
  readonly variants: readonly VariantRow[];
}

/** The products in the order of the ids; unknown ids are left out. */
export async function loadProducts(db: Queryable, ids: readonly string[]): Promise<ProductRow[]> {
  if (ids.length === 0) return [];
  const rows = await db.rows(sql<ProductRow>`
    select id, slug, name, description, image_url, category_ids, options, currency, price_from_minor, price_to_minor,
      availability, listed.variants
    from products
    cross join lateral (
      select coalesce(json_agg(json_build_object('sku', v.sku, 'name', v.name, 'options', v.options,
        'currency', v.currency, 'price', v.price_minor::text, 'priceVersion', v.price_version,
        'availability', v.availability) order by v.position), '[]') as variants
      from variants v where v.product_id = products.id and v.listed
    ) listed
    where id = any(${ids}::uuid[])`);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/** As `loadProducts`, for lists that show no variants. */
export async function loadCards(db: Queryable, ids: readonly string[]): Promise<ProductRow[]> {
  if (ids.length === 0) return [];
  const rows = await db.rows(sql<Omit<ProductRow, 'variants'>>`
    select id, slug, name, description, image_url, category_ids, options, currency, price_from_minor, price_to_minor,
      availability
    from products where id = any(${ids}::uuid[])`);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => {
    const row = byId.get(id);
    return row === undefined ? [] : { ...row, variants: [] };
  });
}

export async function loadProductBySlug(db: Queryable, slug: string): Promise<ProductRow | undefined> {
  return db.maybe(sql<ProductRow>`
    select id, slug, name, description, image_url, category_ids, options, currency, price_from_minor, price_to_minor,
      availability, listed.variants
    from products
    cross join lateral (
      select coalesce(json_agg(json_build_object('sku', v.sku, 'name', v.name, 'options', v.options,
        'currency', v.currency, 'price', v.price_minor::text, 'priceVersion', v.price_version,
        'availability', v.availability) order by v.position), '[]') as variants
      from variants v where v.product_id = products.id and v.listed
    ) listed
    where slug = ${slug}`);
}
