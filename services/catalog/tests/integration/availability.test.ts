import { sql } from '@stoa/chassis/postgres/sql';
import type { TestService } from '@stoa/chassis/testing/test-service';
import { ProductSort, StockBand } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogClient, level, productInit, slugsOf, startCatalog, walk } from '../products.ts';

let service: TestService;
let client: CatalogClient;

beforeAll(async () => {
  ({ service, client } = await startCatalog());
  await client.upsertProducts({ products: [productInit({ slug: 'tee', prices: { 'TEE-S': 10n, 'TEE-M': 10n } })] });
});
afterAll(() => service.stop());

const deliver = (...messages: ReturnType<typeof level>[]) => service.deliver('catalog.availability', messages);
const bands = async (...skus: string[]) => {
  const { variants } = await client.getVariants({ skus });
  return skus.map((sku) => variants.find((variant) => variant.sku === sku)?.availability);
};
const product = async (slug: string) => (await client.getProduct({ by: { case: 'slug', value: slug } })).product;
const inStock = async () => slugsOf(await walk(client, { sort: ProductSort.NAME, filter: { inStock: true } }));
const known = () =>
  service.db.rows(sql<{ sku: string }>`select sku, available, version from sku_availability order by sku`);

describe('availability', () => {
  it('is out of stock until inventory says otherwise', async () => {
    expect(await bands('TEE-S', 'TEE-M')).toEqual([StockBand.OUT_OF_STOCK, StockBand.OUT_OF_STOCK]);
    expect(await inStock()).toEqual([]);
  });

  it.each([
    [-1n, StockBand.OUT_OF_STOCK],
    [0n, StockBand.OUT_OF_STOCK],
    [1n, StockBand.LOW],
    [5n, StockBand.LOW],
    [6n, StockBand.IN_STOCK],
    [0n, StockBand.OUT_OF_STOCK],
  ])('of %i units falls into band %i, for the variant and the filter', async (available, band) => {
    const [before] = await service.db.rows(sql<{ version: bigint }>`
      select coalesce(max(version), 0) as version from sku_availability where sku = 'TEE-S'`);
    await deliver(level('TEE-S', available, (before?.version ?? 0n) + 1n));
    expect(await bands('TEE-S')).toEqual([band]);
    expect((await product('tee'))?.availability).toBe(band);
    expect(await inStock()).toEqual(band === StockBand.OUT_OF_STOCK ? [] : ['tee']);
  });

  it('of a product is the best of its variants', async () => {
    await deliver(level('TEE-S', 3n, 20n), level('TEE-M', 500n, 20n));
    expect((await product('tee'))?.availability).toBe(StockBand.IN_STOCK);
    await deliver(level('TEE-M', 0n, 21n));
    expect((await product('tee'))?.availability).toBe(StockBand.LOW);
  });

  it('does not change when events are replayed', async () => {
    await deliver(level('TEE-S', 7n, 30n), level('TEE-M', 0n, 30n));
    const before = [await known(), await product('tee')];
    await deliver(level('TEE-S', 7n, 30n), level('TEE-M', 0n, 30n));
    expect([await known(), await product('tee')]).toEqual(before);
  });

  it('never goes back to an older version', async () => {
    await deliver(level('TEE-S', 0n, 41n));
    await deliver(level('TEE-S', 900n, 40n), level('TEE-M', 900n, 40n));
    expect(await bands('TEE-S', 'TEE-M')).toEqual([StockBand.OUT_OF_STOCK, StockBand.IN_STOCK]);
  });

  it('of a SKU that the catalog does not know yet is kept and joined when the variant comes', async () => {
    await deliver(level('CAP-1', 4n, 1n));
    expect(await bands('CAP-1')).toEqual([undefined]);
    await client.upsertProducts({ products: [productInit({ slug: 'cap', prices: { 'CAP-1': 10n } })] });
    expect(await bands('CAP-1')).toEqual([StockBand.LOW]);
    expect((await product('cap'))?.availability).toBe(StockBand.LOW);
    expect(await inStock()).toContain('cap');
  });

  it('of many SKUs at once ends right while their products are stored at the same time', async () => {
    const slugs = Array.from({ length: 20 }, (_, index) => `race-${index}`);
    await Promise.all([
      ...slugs.map((slug) => client.upsertProducts({ products: [productInit({ slug })] })),
      ...slugs.map((slug) => deliver(level(`${slug}-1`, 100n, 1n))),
    ]);
    expect((await inStock()).filter((slug) => slug.startsWith('race-'))).toHaveLength(slugs.length);
    expect(await bands(...slugs.map((slug) => `${slug}-1`))).toEqual(slugs.map(() => StockBand.IN_STOCK));
  });
});
