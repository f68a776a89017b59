// Grows the seeded catalogue, set-based: products drawn from words, variants with stock, and everything derived from
// them by the catalog's own SQL.
import { createLog } from '@stoa/chassis/log';
import { openPgDatabase } from '@stoa/chassis/postgres/pg-database';
import { systemRuntime } from '@stoa/chassis/runtime';
import { refreshProducts } from '../../services/catalog/src/infrastructure/refresh-products.ts';
import type { ObservedShop } from './observed.ts';

const CHUNK = 1000;
/**
 * Words that a product's name has one of: at 100,000 products a word finds 1,000 of them. All numbers have two digits,
 * because a search takes its last word also for the beginning of one: "kind1" would find kind10 to kind19 too.
 */
const KINDS = 100;
const SHADES = 37;
const STATEMENT_TIMEOUT_MS = 600_000;

const GROW = `
  with fresh as (
    select n, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id,
      'Bench kind' || to_char(n % ${KINDS}, 'FM00') || ' shade' || to_char(n % ${SHADES}, 'FM00') || ' item' || n as name,
      1000 + n % 9000 as price
    from generate_series($1::int, $2::int) as n
  ), leaf as (
    select array_agg(id order by id) as ids from categories where parent_id is not null
  ), stored as (
    insert into products (id, slug, name, name_key, description, image_url, category_ids, options, currency,
      price_from_minor, price_to_minor)
    select id, 'bench-' || n, name, lower(name),
      'Made for measuring, number ' || n || ', of the kind' || to_char(n % ${KINDS}, 'FM00'), '',
      array[leaf.ids[1 + n % cardinality(leaf.ids)]], '[{"name": "Size", "values": ["S", "M", "L"]}]', 'EUR',
      price, price + 200
    from fresh, leaf
  ), shelved as (
    insert into sku_availability (sku, available, version)
    select 'BENCH-' || n || '-' || size, 1000, 1 from fresh, generate_series(1, 3) as size
  )
  insert into variants (sku, product_id, position, name, options, currency, price_minor)
  select 'BENCH-' || n || '-' || size, id, size, 'Size ' || size,
    jsonb_build_array(jsonb_build_object('name', 'Size', 'value', size::text)), 'EUR', price + 100 * (size - 1)
  from fresh, generate_series(1, 3) as size`;

/** Brings the catalogue to so many products; returns what the pages' scenarios are given. */
export async function openGrownCatalog(observed: ObservedShop, size: number) {
  const catalog = await observed.database('catalog');
  const { rows } = await catalog.query<{ count: number }>('select count(*)::int as count from products');
  const { rows: made } = await catalog.query<{ count: number }>(
    `select count(*)::int as count from products where slug like 'bench-%'`,
  );
  const first = (made[0]?.count ?? 0) + 1;
  const last = size - (rows[0]?.count ?? 0) + (made[0]?.count ?? 0);
  await catalog.query('set session_replication_role = replica');
  for (let from = first; from <= last; from += 10 * CHUNK) {
    await catalog.query(GROW, [from, Math.min(last, from + 10 * CHUNK - 1)]);
  }
  await deriveAll(observed, first, last);
  await catalog.query('vacuum analyze');
  const slugs = await catalog.query<{ slug: string }>('select slug from products order by md5(slug) limit 1000');
  const categories = await catalog.query<{ slug: string }>('select slug from categories order by slug');
  await catalog.end();
  const two = (n: number) => String(n).padStart(2, '0');
  const kinds = Array.from({ length: KINDS }, (_, kind) => `kind${two(kind)}`);
  const terms = kinds.flatMap((kind, index) => [kind, `${kind} shade${two(index % SHADES)}`]);
  return { slugs: slugs.rows.map(({ slug }) => slug), categories: categories.rows.map(({ slug }) => slug), terms };
}

async function deriveAll(observed: ObservedShop, first: number, last: number): Promise<void> {
  const { clock, random } = systemRuntime();
  const url = new URL(observed.shop.running.adminUrl);
  url.pathname = '/stoa_catalog';
  const db = openPgDatabase({
    url: url.href,
    applicationName: 'bench',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    log: createLog('warn'),
    clock,
    random,
  });
  const idOf = (n: number) => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
  for (let from = first; from <= last; from += CHUNK) {
    const count = Math.min(CHUNK, last - from + 1);
    const ids = Array.from({ length: count }, (_, index) => idOf(from + index));
    await db.transact((tx) => refreshProducts(tx, ids));
  }
  await db.close();
}
