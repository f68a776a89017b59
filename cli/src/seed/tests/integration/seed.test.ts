import { catalog } from '@stoa/catalog';
import { type TestService, testService } from '@stoa/chassis/testing/test-service';
import { inventory } from '@stoa/inventory';
import { CatalogService } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { InventoryService } from '@stoa/proto/stoa/inventory/v1/inventory_pb';
import { StockLevelChangedSchema } from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { buildCatalogue } from '../../catalogue.ts';
import { type SeedClients, seedCatalogue } from '../../seed.ts';

let services: { catalog: TestService; inventory: TestService };
let seedClients: SeedClients;

beforeAll(async () => {
  const postgresUrl = inject('postgresUrl');
  services = {
    catalog: await testService(catalog, { postgresUrl }),
    inventory: await testService(inventory, { postgresUrl }),
  };
  seedClients = {
    catalog: services.catalog.client(CatalogService),
    inventory: services.inventory.client(InventoryService),
  };
});
afterAll(async () => {
  await services.catalog.stop();
  await services.inventory.stop();
});

async function state() {
  const client = services.catalog.client(CatalogService);
  const { products, stock } = buildCatalogue();
  const skus = [0, 150, 300, 450, 600].flatMap((start) => stock.slice(start, start + 20).map((line) => line.sku));
  return {
    categories: (await client.listCategories({})).categories,
    first: (await client.getProduct({ by: { case: 'slug', value: products[0]?.slug ?? '' } })).product,
    newest: (await client.listProducts({ page: { first: 100 } })).edges,
    levels: (await services.inventory.client(InventoryService).getStock({ skus })).levels,
  };
}

describe('seeding', () => {
  it('fills catalog and inventory, and the second time changes nothing', async () => {
    const progress: string[] = [];
    const seeded = await seedCatalogue(seedClients, (line) => progress.push(line));
    expect(seeded).toEqual({ categories: 25, products: 200, variants: 670 });
    expect(progress).toHaveLength(3);
    const before = await state();
    expect(before.levels.length).toBe(100);
    await seedCatalogue(seedClients);
    expect(await state()).toEqual(before);
  });

  it('leaves a product as the shop has changed it since', async () => {
    const client = services.catalog.client(CatalogService);
    const [product] = buildCatalogue().products;
    if (product === undefined) expect.fail('nothing is seeded');
    await client.upsertProducts({ products: [{ ...product, name: 'Ours by now' }] });
    await seedCatalogue(seedClients);
    expect((await state()).first?.name).toBe('Ours by now');
    await client.upsertProducts({ products: [product] });
  });

  it('ends in a shop that shows its stock once the catalog has heard of it', async () => {
    const client = services.catalog.client(CatalogService);
    const events = await services.inventory.published(StockLevelChangedSchema);
    await services.catalog.deliver(
      'catalog.availability',
      events.map((message) => ({ schema: StockLevelChangedSchema, message })),
    );
    const found = await client.searchProducts({ term: 'linen shirt', filter: { inStock: true } });
    expect(found.edges[0]?.product?.name).toContain('Linen');
    const { stock } = buildCatalogue();
    const soldOut = stock.filter((line) => line.quantity === 0n).map((line) => line.sku);
    const { variants } = await client.getVariants({ skus: soldOut });
    expect(variants.map((variant) => variant.availability)).toEqual(soldOut.map(() => 1));
  });
});
