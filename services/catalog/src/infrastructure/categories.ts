// Categories: a tree of any depth, kept free of cycles.
import type { Queryable, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Category } from '../domain/product.ts';

export interface CategoryRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly parent_id: string | null;
  readonly position: number;
}

/** All categories, parents before their children, siblings by position and name. */
export async function listCategories(db: Queryable): Promise<CategoryRow[]> {
  return db.rows(sql<CategoryRow>`
    with recursive tree (id, depth) as (
      select id, 0 from categories where parent_id is null
      union all
      select c.id, tree.depth + 1 from tree join categories c on c.parent_id = tree.id
    )
    select c.id, c.slug, c.name, c.parent_id, c.position
    from tree join categories c on c.id = tree.id
    order by tree.depth, c.position, c.name, c.id`);
}

export interface CategoryConflict {
  readonly reason: 'SLUG_TAKEN' | 'PARENT_UNKNOWN';
  readonly value: string;
}

export async function findCategoryConflicts(tx: Tx, categories: readonly Category[]): Promise<CategoryConflict[]> {
  const ids = categories.map((category) => category.id);
  const slugs = categories.map((category) => category.slug);
  const parents = categories.flatMap((category) => category.parentId ?? []);
  return tx.rows(sql<CategoryConflict>`
    select 'SLUG_TAKEN' as reason, slug as value
    from categories where slug = any(${slugs}::text[]) and id <> all(${ids}::uuid[])
    union all
    select 'PARENT_UNKNOWN', wanted.id::text
    from unnest(${parents}::uuid[]) as wanted (id)
    where wanted.id <> all(${ids}::uuid[]) and not exists (select from categories c where c.id = wanted.id)
    limit 20`);
}

/** Creates or replaces; returns the ids of those that were renamed or moved. */
export async function storeCategories(tx: Tx, categories: readonly Category[]): Promise<string[]> {
  const ids = categories.map((category) => category.id);
  const names = categories.map((category) => category.name);
  const parents = categories.map((category) => category.parentId ?? null);
  const changed = await tx.rows(sql<{ id: string }>`
    select c.id from unnest(${ids}::uuid[], ${names}::text[], ${parents}::uuid[]) as wanted (id, name, parent_id)
    join categories c on c.id = wanted.id
    where (c.name, c.parent_id) is distinct from (wanted.name, wanted.parent_id)`);
  await tx.run(sql`
    insert into categories (id, slug, name, parent_id, position)
    select * from unnest(${ids}::uuid[], ${categories.map((category) => category.slug)}::text[], ${names}::text[],
      ${parents}::uuid[], ${categories.map((category) => category.position)}::integer[])
    on conflict (id) do update set slug = excluded.slug, name = excluded.name, parent_id = excluded.parent_id,
      position = excluded.position`);
  return changed.map((row) => row.id);
}

/** Slug of a category that stands above itself, or undefined. */
export async function findCycle(tx: Tx): Promise<string | undefined> {
  const row = await tx.maybe(sql<{ slug: string }>`
    select c.slug from categories c
    join category_ancestors a on a.category_id = c.parent_id and a.ancestor_id = c.id
    order by c.slug limit 1`);
  return row?.slug;
}

/** Products in these categories or below them. */
export async function productsBelow(tx: Tx, categoryIds: readonly string[]): Promise<string[]> {
  if (categoryIds.length === 0) return [];
  const rows = await tx.rows(sql<{ id: string }>`
    select distinct product_id as id from product_listings where category_id = any(${categoryIds}::uuid[])`);
  return rows.map((row) => row.id);
}
