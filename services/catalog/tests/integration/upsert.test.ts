import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { reasonOf, violationsOf } from '@stoa/chassis/rpc/errors';
import type { TestService } from '@stoa/chassis/testing/test-service';
import { type ProductSchema, ProductSort, StockBand, type VariantSchema } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
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

beforeAll(async () => {
  ({ service, client } = await startCatalog());
});
afterAll(() => service.stop());

const product = async (slug: string) => (await client.getProduct({ by: { case: 'slug', value: slug } })).product;
const variant = async (sku: string) => (await client.getVariants({ skus: [sku] })).variants[0];
const failure = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (thrown) => thrown,
  );

describe('storing products', () => {
  it('twice changes nothing', async () => {
    const products = ['twice-1', 'twice-2'].map((slug) => productInit({ slug }));
    expect((await client.upsertProducts({ products })).written).toBe(2);
    const before = [await product('twice-1'), await product('twice-2'), slugsOf(await walk(client, { sort: 1 }))];
    expect((await client.upsertProducts({ products })).written).toBe(2);
    const after = [await product('twice-1'), await product('twice-2'), slugsOf(await walk(client, { sort: 1 }))];
    expect(after).toEqual(before);
  });

  it('raises a price version when the price changes and only then', async () => {
    const store = (price: bigint, name: string) =>
      client.upsertProducts({
        products: [productInit({ slug: 'priced', name, prices: { 'PR-1': price, 'PR-2': 70n } })],
      });
    await store(50n, 'First');
    await store(50n, 'Renamed');
    expect([(await variant('PR-1'))?.priceVersion, (await variant('PR-1'))?.productName]).toEqual([1, 'Renamed']);
    await store(90n, 'Renamed');
    expect([(await variant('PR-1'))?.priceVersion, (await variant('PR-2'))?.priceVersion]).toEqual([2, 1]);
    await store(50n, 'Renamed');
    expect((await variant('PR-1'))?.priceVersion).toBe(3);
  });

  it('moves the product in every listing', async () => {
    await client.upsertCategories({ categories: [categoryInit('from', 'From'), categoryInit('to', 'To')] });
    const store = (categories: string[], price: bigint) =>
      client.upsertProducts({ products: [productInit({ slug: 'mover', categories, prices: { 'MV-1': price } })] });
    const listed = async (categorySlug: string, priceMinMinor = 0n) =>
      slugsOf(await walk(client, { sort: ProductSort.PRICE_ASC, filter: { categorySlug, priceMinMinor } }));
    await store(['from'], 10n);
    expect([await listed('from'), await listed('to')]).toEqual([['mover'], []]);
    await store(['to'], 20n);
    expect([await listed('from'), await listed('to'), await listed('to', 15n)]).toEqual([[], ['mover'], ['mover']]);
  });

  it('without a variant unlists it: orders still find it, shoppers do not, and it comes back with its version', async () => {
    const store = (prices: Record<string, bigint>) =>
      client.upsertProducts({ products: [productInit({ slug: 'shrinking', prices })] });
    await store({ 'SH-1': 100n, 'SH-2': 200n });
    await service.deliver('catalog.availability', [level('SH-2', 10n, 1n)]);
    expect((await product('shrinking'))?.availability).toBe(StockBand.IN_STOCK);
    await store({ 'SH-1': 100n });
    expect((await product('shrinking'))?.variants.map((listed) => listed.sku)).toEqual(['SH-1']);
    expect(await product('shrinking')).toMatchObject({
      availability: StockBand.OUT_OF_STOCK,
      priceTo: { minor: 100n },
    });
    expect(await variant('SH-2')).toMatchObject({ productName: 'shrinking', availability: StockBand.OUT_OF_STOCK });
    await service.deliver('catalog.availability', [level('SH-2', 4n, 2n)]);
    expect((await variant('SH-2'))?.availability).toBe(StockBand.OUT_OF_STOCK);
    await store({ 'SH-1': 100n, 'SH-2': 200n });
    expect(await variant('SH-2')).toMatchObject({ availability: StockBand.LOW, priceVersion: 1 });
    expect((await product('shrinking'))?.availability).toBe(StockBand.LOW);
  });

  it('refuses a slug or SKU of another product, says which, and stores nothing of the call', async () => {
    await client.upsertProducts({ products: [productInit({ slug: 'owner', prices: { 'OWN-1': 1n } })] });
    const sku = await failure(
      client.upsertProducts({
        products: [productInit({ slug: 'innocent' }), productInit({ slug: 'thief', prices: { 'OWN-1': 2n } })],
      }),
    );
    expect([sku.code, reasonOf(sku)]).toEqual([Code.FailedPrecondition, 'SKU_TAKEN']);
    expect(sku.rawMessage).toContain('OWN-1');
    const slug = await failure(
      client.upsertProducts({
        products: [{ ...productInit({ slug: 'owner', prices: { 'X-1': 1n } }), id: idOf('thief') }],
      }),
    );
    expect([reasonOf(slug), slug.rawMessage]).toEqual(['SLUG_TAKEN', expect.stringContaining('owner')]);
    expect(reasonOf(await failure(product('innocent')))).toBe('PRODUCT_NOT_FOUND');
    expect((await variant('OWN-1'))?.price?.minor).toBe(1n);
  });

  it('lets two products swap their slugs in one call', async () => {
    const [a, b] = [productInit({ slug: 'swap-a' }), productInit({ slug: 'swap-b' })];
    await client.upsertProducts({ products: [a, b] });
    await client.upsertProducts({
      products: [
        { ...a, slug: 'swap-b' },
        { ...b, slug: 'swap-a' },
      ],
    });
    expect((await product('swap-a'))?.id).toBe(idOf('swap-b'));
  });

  it('refuses an unknown category', async () => {
    const error = await failure(
      client.upsertProducts({ products: [productInit({ slug: 'lost', categories: ['?'] })] }),
    );
    expect([reasonOf(error), error.rawMessage]).toEqual(['CATEGORY_UNKNOWN', expect.stringContaining(idOf('?'))]);
  });

  it('names every violation at once', async () => {
    const wrong = productInit({ slug: 'Not A Slug', name: ' ', prices: { 'sp ace': 0n } });
    const foreign = productInit({ slug: 'foreign', prices: { 'F-1': 5n } });
    const [variantOfForeign] = foreign.variants ?? [];
    const dollars = { ...variantOfForeign, price: { currency: 'USD', minor: 5n } } as MessageInitShape<
      typeof VariantSchema
    >;
    const error = await failure(
      client.upsertProducts({
        products: [
          { ...wrong, imageUrl: 'javascript:alert(1)' } as MessageInitShape<typeof ProductSchema>,
          { ...foreign, variants: [dollars, { sku: 'F-2' }] } as MessageInitShape<typeof ProductSchema>,
        ],
      }),
    );
    expect(violationsOf(error).map((violation) => violation.field)).toEqual([
      'products[0].slug',
      'products[0].name',
      'products[0].image_url',
      'products[0].variants[0].sku',
      'products[0].variants[0].price.minor',
      'products[1].variants[0].price.currency',
      'products[1].variants[1].price.currency',
      'products[1].variants[1].price.minor',
      'products[1].variants[1].options',
    ]);
  });

  it('refuses the same id, slug or SKU twice in one call, and more than 200 products', async () => {
    const twice = await failure(
      client.upsertProducts({ products: [productInit({ slug: 'd' }), productInit({ slug: 'd' })] }),
    );
    expect(violationsOf(twice)).toHaveLength(3);
    const many = Array.from({ length: 201 }, (_, index) => productInit({ slug: `many-${index}` }));
    expect(violationsOf(await failure(client.upsertProducts({ products: many })))[0]?.field).toBe('products');
  });

  it('at the same time by several writers leaves one of them whole', async () => {
    const prices = [1n, 2n, 3n, 4n, 5n, 6n];
    await Promise.all(
      prices.map((price) =>
        client.upsertProducts({ products: [productInit({ slug: 'raced', prices: { 'RC-1': price, 'RC-2': price } })] }),
      ),
    );
    const raced = await product('raced');
    expect(raced?.priceFrom?.minor).toBe(raced?.priceTo?.minor);
    expect((await variant('RC-1'))?.priceVersion).toBe(prices.length);
  });
});

describe('storing categories', () => {
  it('accepts children before their parents and lists parents first', async () => {
    await client.upsertCategories({
      categories: [
        categoryInit('leaf', 'Leaf', 'branch'),
        categoryInit('branch', 'Branch', 'root'),
        categoryInit('root', 'Root'),
      ],
    });
    const slugs = (await client.listCategories({})).categories.map((category) => category.slug);
    const places = ['root', 'branch', 'leaf'].map((slug) => slugs.indexOf(slug));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  it('moves what lies below a moved category', async () => {
    await client.upsertCategories({
      categories: [categoryInit('old', 'Old'), categoryInit('new', 'New'), categoryInit('part', 'Part', 'old')],
    });
    await client.upsertProducts({ products: [productInit({ slug: 'below', categories: ['part'] })] });
    await client.upsertCategories({ categories: [categoryInit('part', 'Part', 'new')] });
    const listed = async (categorySlug: string) => slugsOf(await walk(client, { sort: 1, filter: { categorySlug } }));
    expect([await listed('old'), await listed('new'), await listed('part')]).toEqual([[], ['below'], ['below']]);
  });

  it('refuses a cycle, an unknown parent and a slug of another category, and stores nothing of it', async () => {
    await client.upsertCategories({ categories: [categoryInit('up', 'Up'), categoryInit('down', 'Down', 'up')] });
    const cycle = await failure(client.upsertCategories({ categories: [categoryInit('up', 'Up', 'down')] }));
    expect([cycle.code, reasonOf(cycle)]).toEqual([Code.FailedPrecondition, 'CATEGORY_CYCLE']);
    const self = await failure(client.upsertCategories({ categories: [categoryInit('self', 'Self', 'self')] }));
    expect(reasonOf(self)).toBe('CATEGORY_CYCLE');
    const orphan = await failure(client.upsertCategories({ categories: [categoryInit('orphan', 'Orphan', 'nobody')] }));
    expect(reasonOf(orphan)).toBe('PARENT_UNKNOWN');
    const taken = await failure(
      client.upsertCategories({ categories: [{ ...categoryInit('up', 'Up'), id: idOf('else') }] }),
    );
    expect(reasonOf(taken)).toBe('SLUG_TAKEN');
    const { categories } = await client.listCategories({});
    expect(categories.find((category) => category.slug === 'up')?.parentId).toBe('');
    expect(categories.some((category) => category.slug === 'self' || category.slug === 'orphan')).toBe(false);
  });
});
