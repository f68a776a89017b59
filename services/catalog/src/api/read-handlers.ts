// The reading methods. A listing or a search is two statements: the page's positions, then its products.
import type { ServiceImpl } from '@connectrpc/connect';
import { createBoundedQueue } from '@stoa/chassis/bounded-queue';
import { notFound } from '@stoa/chassis/rpc/errors';
import type { CatalogService } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import type { CatalogContext } from '../context.ts';
import { listCategories } from '../infrastructure/categories.ts';
import { listProducts } from '../infrastructure/list-products.ts';
import { loadCards, loadProductBySlug, loadProducts } from '../infrastructure/load-products.ts';
import { createVariantLoader } from '../infrastructure/load-variants.ts';
import { searchProducts } from '../infrastructure/search-products.ts';
import { readListQuery, readProductKey, readSearchQuery, readSkus } from './read-queries.ts';
import { onPage, writeCategory, writePage, writeProduct, writeVariant } from './write-messages.ts';

type ReadHandlers = Pick<
  ServiceImpl<typeof CatalogService>,
  'listProducts' | 'getProduct' | 'searchProducts' | 'listCategories' | 'getVariants'
>;

/**
 * Searches of one process under way, fewer than it has connections: a search for a word that most products share takes
 * a thousand times as long as a look at a product, which must not wait for it.
 */
const SEARCHES = { concurrency: 4, waitingMax: 60 };

export function readHandlers({ db, clock }: CatalogContext): ReadHandlers {
  const loadVariants = createVariantLoader(db, clock);
  const inTurn = createBoundedQueue(SEARCHES);
  return {
    async listProducts(request) {
      const { sort, filter, page } = readListQuery(request);
      const positions = await listProducts(db, sort, filter, page);
      const load = request.withoutVariants ? loadCards : loadProducts;
      const rows = await load(db, idsOf(onPage(positions, page)));
      return writePage(sort, page, positions, rows);
    },

    async getProduct(request) {
      const key = readProductKey(request);
      const row = 'id' in key ? (await loadProducts(db, [key.id]))[0] : await loadProductBySlug(db, key.slug);
      if (row === undefined) throw notFound('PRODUCT_NOT_FOUND', 'there is no such product');
      return { product: writeProduct(row) };
    },

    async searchProducts(request, { signal }) {
      const { term, filter, page } = readSearchQuery(request);
      const search = () => searchProducts(db, term, filter, page, request.withoutFacets);
      const { positions, total, facets } = await inTurn(search, signal);
      const load = request.withoutVariants ? loadCards : loadProducts;
      const rows = await load(db, idsOf(onPage(positions, page)));
      return { ...writePage('RANK', page, positions, rows), total, categories: [...facets] };
    },

    async listCategories() {
      return { categories: (await listCategories(db)).map(writeCategory) };
    },

    async getVariants({ skus }) {
      const rows = await loadVariants(readSkus(skus));
      return { variants: rows.map(writeVariant) };
    },
  };
}

function idsOf(positions: readonly { readonly id: string }[]): string[] {
  return positions.map((position) => position.id);
}
