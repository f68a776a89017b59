// Stores products and their variants, any number in the same few statements. The same products stored again change
// nothing, price versions included.
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { nameKey, type ProductDraft, priceRange } from '../domain/product.ts';

export interface Conflict {
  readonly reason: 'SLUG_TAKEN' | 'SKU_TAKEN' | 'CATEGORY_UNKNOWN';
  /** The slug, SKU or category id at fault. */
  readonly value: string;
}

/** What stands in the way of storing them. A slug that its owner gives up in the same call is free. */
export async function findConflicts(tx: Tx, drafts: readonly ProductDraft[]): Promise<Conflict[]> {
  const ids = drafts.map((draft) => draft.id);
  const slugs = drafts.map((draft) => draft.slug);
  const skus = drafts.flatMap((draft) => draft.variants.map((variant) => variant.sku));
  const owners = drafts.flatMap((draft) => draft.variants.map(() => draft.id));
  const categories = [...new Set(drafts.flatMap((draft) => draft.categoryIds))];
  return tx.rows(sql<Conflict>`
    select 'SLUG_TAKEN' as reason, p.slug as value
    from products p where p.slug = any(${slugs}::text[]) and p.id <> all(${ids}::uuid[])
    union all
    select 'SKU_TAKEN', v.sku
    from unnest(${skus}::text[], ${owners}::uuid[]) as wanted (sku, product_id)
    join variants v on v.sku = wanted.sku where v.product_id <> wanted.product_id
    union all
    select 'CATEGORY_UNKNOWN', wanted.id::text
    from unnest(${categories}::uuid[]) as wanted (id)
    where not exists (select from categories c where c.id = wanted.id)
    limit 20`);
}

/** Creates or replaces; arrival follows the given order. Conflicts must have been looked for in the same turn. */
export async function storeProducts(tx: Tx, drafts: readonly ProductDraft[]): Promise<void> {
  const ranges = drafts.map((draft) => priceRange(draft.variants));
  const column = <T>(read: (draft: ProductDraft) => T) => drafts.map(read);
  await tx.run(sql`
    insert into products as p (id, slug, name, name_key, description, image_url, category_ids, options, currency,
      price_from_minor, price_to_minor)
    select id, slug, name, name_key, description, image_url, string_to_array(category_ids, ',')::uuid[], options,
      currency, price_from, price_to
    from unnest(${column((d) => d.id)}::uuid[], ${column((d) => d.slug)}::text[], ${column((d) => d.name)}::text[],
      ${column((d) => nameKey(d.name))}::text[], ${column((d) => d.description)}::text[],
      ${column((d) => d.imageUrl)}::text[], ${column((d) => d.categoryIds.join(','))}::text[],
      ${column((d) => JSON.stringify(d.options))}::jsonb[], ${column((d) => d.currency)}::text[],
      ${ranges.map((range) => range.from)}::bigint[], ${ranges.map((range) => range.to)}::bigint[]
    ) with ordinality as draft (id, slug, name, name_key, description, image_url, category_ids, options, currency,
      price_from, price_to, place)
    order by place
    on conflict (id) do update set slug = excluded.slug, name = excluded.name, name_key = excluded.name_key,
      description = excluded.description, image_url = excluded.image_url, category_ids = excluded.category_ids,
      options = excluded.options, currency = excluded.currency, price_from_minor = excluded.price_from_minor,
      price_to_minor = excluded.price_to_minor`);
  await storeVariants(tx, drafts);
  await unlistOthers(tx, drafts);
}

async function storeVariants(tx: Tx, drafts: readonly ProductDraft[]): Promise<void> {
  const rows = drafts.flatMap((draft) =>
    draft.variants.map((variant, position) => ({
      ...variant,
      position,
      productId: draft.id,
      currency: draft.currency,
    })),
  );
  const column = <T>(read: (row: (typeof rows)[number]) => T) => rows.map(read);
  await tx.run(sql`
    insert into variants as v (sku, product_id, position, name, options, currency, price_minor)
    select * from unnest(${column((v) => v.sku)}::text[], ${column((v) => v.productId)}::uuid[],
      ${column((v) => v.position)}::integer[], ${column((v) => v.name)}::text[],
      ${column((v) => JSON.stringify(v.options))}::jsonb[], ${column((v) => v.currency)}::text[],
      ${column((v) => v.priceMinor)}::bigint[])
    on conflict (sku) do update set position = excluded.position, name = excluded.name, options = excluded.options,
      currency = excluded.currency, price_minor = excluded.price_minor, listed = true,
      price_version = v.price_version + case
        when (v.price_minor, v.currency) is distinct from (excluded.price_minor, excluded.currency) then 1 else 0 end
    where v.product_id = excluded.product_id`);
}

/** Variants that their product is stored without now stay, but nobody can choose them any more. */
async function unlistOthers(tx: Tx, drafts: readonly ProductDraft[]): Promise<void> {
  const ids = drafts.map((draft) => draft.id);
  const skus = drafts.flatMap((draft) => draft.variants.map((variant) => variant.sku));
  await tx.run(sql`
    update variants set listed = false
    where product_id = any(${ids}::uuid[]) and listed and sku <> all(${skus}::text[])`);
}
