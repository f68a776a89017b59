// Fills a shop with the seeded catalogue and its stock. Safe to run at every start: stock is booked by receipts whose ids
// never change, so it comes in once and what was sold since stays sold; and a product whose stock has come in belongs to
// the shop, which may have given it another price since.
import type { Client } from '@connectrpc/connect';
import type { CatalogService } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import type { InventoryService } from '@stoa/proto/stoa/inventory/v1/inventory_pb';
import { buildCatalogue } from './catalogue.ts';
import { uuidOf } from './drawn.ts';

export interface SeedClients {
  readonly catalog: Pick<Client<typeof CatalogService>, 'upsertCategories' | 'upsertProducts'>;
  readonly inventory: Pick<Client<typeof InventoryService>, 'getStock' | 'receiveStock'>;
}

export interface Seeded {
  readonly categories: number;
  readonly products: number;
  readonly variants: number;
}

const PRODUCTS_AT_ONCE = 100;
const RECEIPT_LINES = 500;
/** As many as one question to inventory may name. */
const SKUS_AT_ONCE = 200;
/** Part of the receipts' ids. Raise it when the catalogue's SKUs or quantities change: the stock then comes in anew. */
const STOCK_EDITION = 1;

/** Stores everything; `onProgress` gets a sentence for each part that is done. */
export async function seedCatalogue(
  { catalog, inventory }: SeedClients,
  onProgress: (line: string) => void = () => {},
): Promise<Seeded> {
  const { categories, products, stock } = buildCatalogue();
  const known = await knownSkus(
    inventory,
    stock.map(({ sku }) => sku),
  );
  const missing = products.filter(({ variants = [] }) => variants.some(({ sku = '' }) => !known.has(sku)));
  if (missing.length > 0) {
    await catalog.upsertCategories({ categories: [...categories] });
    onProgress(`${categories.length} categories`);
  }
  // One after the other: the catalog's writers take turns anyway.
  for (const chunk of chunks(missing, PRODUCTS_AT_ONCE)) await catalog.upsertProducts({ products: chunk });
  onProgress(`${products.length} products with ${stock.length} variants`);
  for (const [index, lines] of chunks(stock, RECEIPT_LINES).entries()) {
    await inventory.receiveStock({ receiptId: uuidOf(`receipt ${STOCK_EDITION} ${index}`), lines });
  }
  onProgress(`stock for ${stock.filter((line) => line.quantity > 0n).length} variants`);
  return { categories: categories.length, products: products.length, variants: stock.length };
}

/** Stock is booked after all products are stored: what inventory knows was seeded before. */
async function knownSkus(inventory: SeedClients['inventory'], skus: readonly string[]): Promise<Set<string>> {
  const known = new Set<string>();
  for (const asked of chunks(skus, SKUS_AT_ONCE)) {
    const { levels } = await inventory.getStock({ skus: asked });
    for (const { sku } of levels) known.add(sku);
  }
  return known;
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}
