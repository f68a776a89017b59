// Derives again what follows from products, variants, categories and known stock: bands, the categories a product is
// found under, the search vector and the listings. Called by every write that may change one of them, in its
// transaction and its turn. Rows that stay as they are are not written.
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';

/** Products a statement: about a third of a second, far below the statement timeout. */
const CHUNK = 1000;

export async function refreshProducts(tx: Tx, productIds: readonly string[]): Promise<void> {
  for (let start = 0; start < productIds.length; start += CHUNK) {
    const ids = productIds.slice(start, start + CHUNK);
    await refreshVariantBands(tx, ids);
    await refreshDerivedColumns(tx, ids);
    await refreshListings(tx, ids);
  }
}

async function refreshVariantBands(tx: Tx, productIds: readonly string[]): Promise<void> {
  await tx.run(sql`
    update variants v set availability = fresh.band
    from (
      select v.sku, case when v.listed then stock_band(a.available) else 1 end as band
      from variants v left join sku_availability a on a.sku = v.sku
      where v.product_id = any(${productIds}::uuid[])
    ) fresh
    where v.sku = fresh.sku and v.availability <> fresh.band`);
}

/**
 * The vector holds the name's words twice: stemmed with weight A, and as written with weight D. A shopper who is still
 * typing "cerami" finds nothing among the stems, because that of "ceramic" is "ceram".
 */
async function refreshDerivedColumns(tx: Tx, productIds: readonly string[]): Promise<void> {
  await tx.run(sql`
    update products p
    set availability = fresh.availability, listed_in = fresh.listed_in, search = fresh.search
    from (
      select own.id, found.listed_in,
        (select coalesce(max(v.availability), 1) from variants v where v.product_id = own.id and v.listed) as availability,
        setweight(to_tsvector('english', own.name), 'A') || setweight(to_tsvector('english', found.names), 'B')
          || setweight(to_tsvector('english', own.description), 'C') || setweight(to_tsvector('simple', own.name), 'D')
          as search
      from products own
      cross join lateral (
        select coalesce(array_agg(c.id order by c.id), '{}') as listed_in,
          coalesce(string_agg(c.name, ' ' order by c.id), '') as names
        from categories c
        where c.id in (select a.ancestor_id from category_ancestors a where a.category_id = any(own.category_ids))
      ) found
      where own.id = any(${productIds}::uuid[])
    ) fresh
    where p.id = fresh.id
      and (p.availability, p.listed_in, p.search) is distinct from (fresh.availability, fresh.listed_in, fresh.search)`);
}

async function refreshListings(tx: Tx, productIds: readonly string[]): Promise<void> {
  await tx.run(sql`
    delete from product_listings l using products p
    where p.id = any(${productIds}::uuid[]) and l.product_id = p.id
      and l.category_id <> '00000000-0000-0000-0000-000000000000' and l.category_id <> all(p.listed_in)`);
  await tx.run(sql`
    insert into product_listings as l (product_id, category_id, arrival, price_minor, name_key, in_stock)
    select p.id, found.category_id, p.arrival, p.price_from_minor, p.name_key, p.availability > 1
    from products p
    cross join unnest(p.listed_in || '00000000-0000-0000-0000-000000000000'::uuid) as found (category_id)
    where p.id = any(${productIds}::uuid[])
    on conflict (product_id, category_id) do update
    set price_minor = excluded.price_minor, name_key = excluded.name_key, in_stock = excluded.in_stock
    where (l.price_minor, l.name_key, l.in_stock) is distinct from
      (excluded.price_minor, excluded.name_key, excluded.in_stock)`);
}
