import { Code } from '@connectrpc/connect';
import { reasonOf, violationsOf } from '@stoa/chassis/rpc/errors';
import type { TestService } from '@stoa/chassis/testing/test-service';
import { ProductSort, StockBand } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CatalogClient,
  categoryInit,
  idOf,
  level,
  productInit,
  slugsOf,
  startCatalog,
  walk,
} from '../products.ts';

let service: TestService;
let client: CatalogClient;

// Ten products; prices and names repeat, so that ties fall across page borders.
const slugs = Array.from({ length: 10 }, (_, index) => `product-${index}`);
const priceOf = (index: number) => BigInt(1000 + 100 * Math.floor(index / 4));
const nameOf = (index: number) => ['Étui', 'bowl', 'Apron'][index % 3] as string;

beforeAll(async () => {
  ({ service, client } = await startCatalog());
  await client.upsertCategories({
    categories: [categoryInit('cups', 'Cups', 'home'), categoryInit('home', 'Home'), categoryInit('garden', 'Garden')],
  });
  await client.upsertProducts({
    products: slugs.map((slug, index) =>
      productInit({
        slug,
        name: nameOf(index),
        categories: [['cups', 'home', 'garden'][index % 3] as string],
        prices: { [`${slug}-a`]: priceOf(index), [`${slug}-b`]: priceOf(index) + 5000n },
      }),
    ),
  });
  await service.deliver('catalog.availability', [level('product-0-a', 3n, 1n), level('product-5-b', 50n, 1n)]);
});
afterAll(() => service.stop());

describe('paging', () => {
  const sorts = [ProductSort.NEWEST, ProductSort.PRICE_ASC, ProductSort.PRICE_DESC, ProductSort.NAME];

  it.each(sorts.flatMap((sort) => [1, 3, 5, 10].map((first) => ({ sort, first }))))(
    'by sort $sort, $first at a time, shows every product exactly once, ties included',
    async ({ sort, first }) => {
      const edges = await walk(client, { sort, first });
      expect(slugsOf(edges).sort()).toEqual(slugs);
    },
  );

  it('follows the sort', async () => {
    expect(slugsOf(await walk(client, { sort: ProductSort.NEWEST }))).toEqual(slugs.toReversed());
    const prices = (await walk(client, { sort: ProductSort.PRICE_ASC })).map((edge) => edge.product?.priceFrom?.minor);
    expect(prices).toEqual(slugs.map((_, index) => priceOf(index)));
    const falling = (await walk(client, { sort: ProductSort.PRICE_DESC })).map(
      (edge) => edge.product?.priceFrom?.minor,
    );
    expect(falling).toEqual(prices.toReversed());
    const names = (await walk(client, { sort: ProductSort.NAME })).map((edge) => edge.product?.name);
    expect([...new Set(names)]).toEqual(['Apron', 'bowl', 'Étui']);
  });

  it('continues after the cursor of any edge', async () => {
    const edges = await walk(client, { sort: ProductSort.PRICE_DESC, first: 10 });
    const rest = await client.listProducts({
      sort: ProductSort.PRICE_DESC,
      page: { first: 100, after: edges[3]?.cursor ?? '' },
    });
    expect(slugsOf(rest.edges)).toEqual(slugsOf(edges).slice(4));
  });

  it('neither repeats nor hides a product when another one arrives meanwhile', async () => {
    const page = await client.listProducts({ sort: ProductSort.NAME, page: { first: 4 } });
    await client.upsertCategories({ categories: [categoryInit('late', 'Late')] });
    await client.upsertProducts({
      products: [productInit({ slug: 'late', name: 'A late one', categories: ['late'] })],
    });
    const rest = await client.listProducts({
      sort: ProductSort.NAME,
      page: { first: 100, after: page.pageInfo?.endCursor ?? '' },
    });
    expect([...slugsOf(page.edges), ...slugsOf(rest.edges)].sort()).toEqual(slugs);
  });

  it('holds 20 products when no size is asked for, and says when it ends', async () => {
    const page = await client.listProducts({});
    expect(page.edges.length).toBe(11);
    expect(page.pageInfo?.hasNextPage).toBe(false);
    expect(page.pageInfo?.endCursor).toBe(page.edges.at(-1)?.cursor);
  });

  it('refuses a size beyond 100, an unknown sort and a cursor it cannot read, all at once', async () => {
    const call = client.listProducts({ sort: 99 as ProductSort, page: { first: 101, after: 'nonsense' } });
    const error = await call.catch((thrown) => thrown);
    expect(error.code).toBe(Code.InvalidArgument);
    expect(reasonOf(error)).toBe('INVALID_ARGUMENT');
    expect(violationsOf(error).map((violation) => violation.field)).toEqual(['sort', 'page.first', 'page.after']);
  });

  it('refuses a cursor of another sort', async () => {
    const page = await client.listProducts({ sort: ProductSort.PRICE_ASC, page: { first: 1 } });
    const after = page.pageInfo?.endCursor ?? '';
    const error = await client
      .listProducts({ sort: ProductSort.PRICE_DESC, page: { after } })
      .catch((thrown) => thrown);
    expect(violationsOf(error).map((violation) => violation.field)).toEqual(['page.after']);
  });
});

describe('filters', () => {
  const list = async (filter: Parameters<typeof walk>[1]['filter'] & object) =>
    slugsOf(await walk(client, { sort: ProductSort.PRICE_ASC, filter })).sort();
  const those = (holds: (index: number) => boolean) => slugs.filter((_, index) => holds(index));

  it('by category include what lies below it', async () => {
    expect(await list({ categorySlug: 'cups' })).toEqual(those((index) => index % 3 === 0));
    expect(await list({ categorySlug: 'home' })).toEqual(those((index) => index % 3 < 2));
    expect(await list({ categorySlug: 'no-such-category' })).toEqual([]);
  });

  it('by stock keep products with a variant that can be bought now', async () => {
    expect(await list({ inStock: true })).toEqual(['product-0', 'product-5']);
    expect(await list({ inStock: true, categorySlug: 'garden' })).toEqual(['product-5']);
  });

  it.each([ProductSort.PRICE_ASC, ProductSort.PRICE_DESC, ProductSort.NAME, ProductSort.NEWEST])(
    'by price bound the lowest price on both sides, whatever the sort (%i)',
    async (sort) => {
      const filter = { priceMinMinor: 1100n, priceMaxMinor: 1100n, categorySlug: 'home' };
      const found = slugsOf(await walk(client, { sort, filter, first: 1 })).sort();
      expect(found).toEqual(those((index) => priceOf(index) === 1100n && index % 3 < 2));
      expect(await list({ priceMinMinor: 1200n })).toEqual(those((index) => priceOf(index) >= 1200n));
    },
  );

  it.each([ProductSort.NEWEST, ProductSort.PRICE_ASC, ProductSort.PRICE_DESC, ProductSort.NAME])(
    'take any number for a bound, by sort %s',
    async (sort) => {
      const most = 2n ** 63n - 1n;
      const all = await walk(client, { sort, filter: { priceMaxMinor: most } });
      expect(slugsOf(all)).toEqual(slugsOf(await walk(client, { sort })));
      for (const priceMaxMinor of [0n, most]) {
        expect(await walk(client, { sort, filter: { priceMinMinor: most, priceMaxMinor } })).toEqual([]);
      }
    },
  );

  it('with negative bounds are refused', async () => {
    const error = await client.listProducts({ filter: { priceMinMinor: -1n } }).catch((thrown) => thrown);
    expect(violationsOf(error).map((violation) => violation.field)).toEqual(['filter.price_min_minor']);
  });
});

describe('one product', () => {
  it('is found by id and by slug, complete', async () => {
    const bySlug = await client.getProduct({ by: { case: 'slug', value: 'product-5' } });
    const byId = await client.getProduct({ by: { case: 'id', value: idOf('product-5').toUpperCase() } });
    expect(byId).toEqual(bySlug);
    const { product } = bySlug;
    expect(product).toMatchObject({ name: 'Apron', availability: StockBand.IN_STOCK, categoryIds: [idOf('garden')] });
    expect([product?.priceFrom?.minor, product?.priceTo?.minor]).toEqual([1100n, 6100n]);
    expect(product?.variants.map((variant) => [variant.sku, variant.price?.minor, variant.availability])).toEqual([
      ['product-5-a', 1100n, StockBand.OUT_OF_STOCK],
      ['product-5-b', 6100n, StockBand.IN_STOCK],
    ]);
    expect(product?.options[0]?.values).toEqual(['product-5-a', 'product-5-b']);
  });

  it('that does not exist is NOT_FOUND, and one without a key cannot be asked for', async () => {
    const missing = await client.getProduct({ by: { case: 'slug', value: 'nowhere' } }).catch((thrown) => thrown);
    expect([missing.code, reasonOf(missing)]).toEqual([Code.NotFound, 'PRODUCT_NOT_FOUND']);
    const unknown = await client.getProduct({ by: { case: 'id', value: idOf('?') } }).catch((thrown) => thrown);
    expect(reasonOf(unknown)).toBe('PRODUCT_NOT_FOUND');
    const keyless = await client.getProduct({}).catch((thrown) => thrown);
    expect(keyless.code).toBe(Code.InvalidArgument);
  });
});

describe('variants by SKU', () => {
  it('carry what a cart needs; unknown SKUs are absent and repeated ones come once', async () => {
    const { variants } = await client.getVariants({ skus: ['product-0-a', 'unknown', 'product-0-a'] });
    expect(variants).toMatchObject([
      {
        sku: 'product-0-a',
        productId: idOf('product-0'),
        productName: 'Étui',
        productSlug: 'product-0',
        imageUrl: '/images/products/product-0.svg',
        price: { currency: 'EUR', minor: 1000n },
        priceVersion: 1,
        availability: StockBand.LOW,
        options: [{ name: 'Size', value: 'product-0-a' }],
      },
    ]);
  });

  it('are asked for by 200 at most', async () => {
    const skus = Array.from({ length: 201 }, (_, index) => `sku-${index}`);
    const error = await client.getVariants({ skus }).catch((thrown) => thrown);
    expect(error.code).toBe(Code.InvalidArgument);
    expect((await client.getVariants({})).variants).toEqual([]);
  });
});
