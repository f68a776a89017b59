// Wire to domain for the reading methods: sizes, sorts, cursors and filters.
import { type Checks, validate } from '@stoa/chassis/rpc/validate';
import {
  type GetProductRequest,
  type ListProductsRequest,
  type ProductFilter as ProductFilterMessage,
  ProductSort,
  type SearchProductsRequest,
} from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import type { PageRequest } from '@stoa/proto/stoa/common/v1/paging_pb';
import { decodeCursor, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, type Page, type Sort, startOf } from '../domain/paging.ts';
import { PRICE_MINOR_MAX, type ProductFilter } from '../domain/product-filter.ts';
import { type SearchTerm, shapeSearchTerm } from '../domain/search-term.ts';
import type { ListSort } from '../infrastructure/list-products.ts';

const SEARCH_TERM_MAX = 200;
const SLUG_MAX = 200;
export const GET_VARIANTS_MAX = 200;
export const SKU_MAX = 100;

const sorts: Readonly<Record<ProductSort, ListSort>> = {
  [ProductSort.UNSPECIFIED]: 'NEWEST',
  [ProductSort.NEWEST]: 'NEWEST',
  [ProductSort.PRICE_ASC]: 'PRICE_ASC',
  [ProductSort.PRICE_DESC]: 'PRICE_DESC',
  [ProductSort.NAME]: 'NAME',
};

export interface ListQuery {
  readonly sort: ListSort;
  readonly filter: ProductFilter;
  readonly page: Page;
}

export function readListQuery({ page, filter, sort }: ListProductsRequest): ListQuery {
  const known: ListSort | undefined = sorts[sort];
  let read: Page | undefined;
  validate((checks) => {
    checks.require(known !== undefined, 'sort', 'is not a known sort');
    read = readPage(checks, known ?? 'NEWEST', page);
    checkFilter(checks, filter);
  });
  return { sort: known ?? 'NEWEST', filter: readFilter(filter), page: read as Page };
}

export interface SearchQuery {
  readonly term: SearchTerm;
  readonly filter: ProductFilter;
  readonly page: Page;
}

export function readSearchQuery({ term, page, filter }: SearchProductsRequest): SearchQuery {
  let read: Page | undefined;
  validate((checks) => {
    checks.text('term', term, 1, SEARCH_TERM_MAX);
    read = readPage(checks, 'RANK', page);
    checkFilter(checks, filter);
  });
  return { term: shapeSearchTerm(term), filter: readFilter(filter), page: read as Page };
}

export function readProductKey({ by }: GetProductRequest): { readonly id: string } | { readonly slug: string } {
  validate((checks) => {
    if (by.case === 'id') checks.uuid('id', by.value);
    else if (by.case === 'slug') checks.text('slug', by.value, 1, SLUG_MAX);
    else checks.require(false, 'by', 'must be an id or a slug');
  });
  return by.case === 'id' ? { id: by.value.toLowerCase() } : { slug: by.value ?? '' };
}

export function readSkus(skus: readonly string[]): string[] {
  validate((checks) => {
    checks.items('skus', skus, 0, GET_VARIANTS_MAX);
    skus.forEach((sku, index) => {
      checks.text(`skus[${index}]`, sku, 1, SKU_MAX);
    });
  });
  return [...new Set(skus)];
}

function readPage(checks: Checks, sort: Sort, request: PageRequest | undefined): Page {
  const { first = 0, after = '' } = request ?? {};
  checks.integer('page.first', first, 0, PAGE_SIZE_MAX);
  const position = after === '' ? startOf(sort) : decodeCursor(sort, after);
  checks.require(position !== undefined, 'page.after', 'is not a cursor of this sort');
  return { first: first === 0 ? PAGE_SIZE_DEFAULT : first, after: position ?? startOf(sort) };
}

function checkFilter(checks: Checks, filter: ProductFilterMessage | undefined): void {
  if (filter === undefined) return;
  checks.text('filter.category_slug', filter.categorySlug, 0, SLUG_MAX);
  checks.require(filter.priceMinMinor >= 0n, 'filter.price_min_minor', 'must not be negative');
  checks.require(filter.priceMaxMinor >= 0n, 'filter.price_max_minor', 'must not be negative');
}

/** Bounds beyond what a price can be are cut to just beyond it, so that no statement can overflow on them. */
function readFilter(filter: ProductFilterMessage | undefined): ProductFilter {
  return {
    categorySlug: filter?.categorySlug ?? '',
    inStock: filter?.inStock ?? false,
    priceMin: least(filter?.priceMinMinor ?? 0n, PRICE_MINOR_MAX + 1n),
    priceMax: least(filter?.priceMaxMinor || PRICE_MINOR_MAX, PRICE_MINOR_MAX),
  };
}

const least = (a: bigint, b: bigint) => (a < b ? a : b);
