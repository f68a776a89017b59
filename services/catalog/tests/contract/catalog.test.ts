// Catalog between inventory, whose stock it follows, and cart, which is priced by it.
import { readContract } from '@stoa/chassis/testing/contract';
import type { TestMessage, TestService } from '@stoa/chassis/testing/test-service';
import { GetVariantsRequestSchema, GetVariantsResponseSchema, StockBand } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { StockLevelChangedSchema } from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CatalogClient, level, productInit, startCatalog } from '../products.ts';

let service: TestService;
let client: CatalogClient;
beforeAll(async () => {
  ({ service, client } = await startCatalog());
  await client.upsertProducts({ products: [productInit({ slug: 'mug', prices: { MUG: 1999n } })] });
});
afterAll(() => service.stop());

const bandOf = async (sku: string) => (await client.getVariants({ skus: [sku] })).variants[0]?.availability;

test('inventory’s levels set what is shown as available', async () => {
  const agreed = readContract('inventory-catalog');
  expect(await bandOf('MUG')).toBe(StockBand.OUT_OF_STOCK);
  const message = agreed.example('StockLevelChanged', StockLevelChangedSchema);
  await service.deliver('catalog.availability', [{ schema: StockLevelChangedSchema, message } as TestMessage]);
  expect(await bandOf('MUG')).toBe(StockBand.LOW);
  expect(agreed.names).toEqual(['StockLevelChanged']);
});

test('variants have what cart relies on', async () => {
  const agreed = readContract('catalog-cart');
  await service.deliver('catalog.availability', [level('MUG', 500n, 2n)]);
  const answer = await client.getVariants(agreed.example('GetVariants request', GetVariantsRequestSchema));
  expect(agreed.shortcomings('GetVariants', GetVariantsResponseSchema, answer)).toEqual([]);
});
