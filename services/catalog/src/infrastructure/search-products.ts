// Full-text search: one statement finds all hits, ranks them, counts them for each category and cuts out one page.
// The rank is a millionth-part integer: exact in a cursor, where a float would not be; the id breaks its ties.
// Total and facets need every hit, so a term that very many products share costs in proportion to them; see README.
// Whoever wants no facets does not pay for carrying every hit's categories along: a fifth of the statement.
// A term that only excludes asks for nothing and would match nearly the whole shop: it finds nothing, without a look.
import type { Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Page, Position } from '../domain/paging.ts';
import type { ProductFilter } from '../domain/product-filter.ts';
import type { SearchTerm } from '../domain/search-term.ts';

export interface SearchResult {
  /** One more than the page holds when another page follows. */
  readonly positions: readonly Position[];
  readonly total: number;
  readonly facets: readonly { readonly categoryId: string; readonly count: number }[];
}

interface Row {
  total: number;
  positions: Position[];
  facets: SearchResult['facets'][number][];
}

export async function searchProducts(
  db: Queryable,
  { whole, head, prefix }: SearchTerm,
  { categorySlug, inStock, priceMin, priceMax }: ProductFilter,
  { first, after }: Page,
  withoutFacets = false,
): Promise<SearchResult> {
  return db.one(sql<Row>`
    with asked as materialized (
      select websearch_to_tsquery('english', ${whole}) || case ${prefix}::text when '' then ''::tsquery
        else websearch_to_tsquery('english', ${head}) && to_tsquery('simple', ${prefix}::text || ':*') end as query
    ),
    hits as materialized (
      select id, case when not ${withoutFacets}::boolean then listed_in end as listed_in,
        (ts_rank(search, query) * 1000000)::bigint as rank
      from asked join products on search @@ query
      where querytree(query) <> 'T'
        and (${categorySlug}::text = '' or listed_in @> array[(select id from categories where slug = ${categorySlug})])
        and (availability > 1 or not ${inStock}::boolean)
        and price_from_minor between ${priceMin} and ${priceMax}
    ),
    page as (
      select id, rank from hits where (rank, id) < (${after.key}::bigint, ${after.id}::uuid)
      order by rank desc, id desc limit ${first + 1}
    ),
    alike as (select listed_in, count(*) as count from hits where not ${withoutFacets}::boolean group by listed_in),
    facets as (select category_id, sum(count) as count from alike, unnest(listed_in) as category_id group by category_id)
    select (select count(*)::integer from hits) as total,
      (select coalesce(json_agg(json_build_object('id', id, 'key', rank::text) order by rank desc, id desc), '[]')
       from page) as positions,
      (select coalesce(json_agg(json_build_object('categoryId', category_id, 'count', count)
         order by count desc, category_id), '[]')
       from facets) as facets`);
}
