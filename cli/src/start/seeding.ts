// Fills the shop through the services' own API, as the operator's command.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { signServiceCredential } from '@stoa/chassis/rpc/credentials';
import { createGrpcTransport } from '@stoa/chassis/rpc/grpc-transport';
import { CatalogService, StockBand } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { InventoryService } from '@stoa/proto/stoa/inventory/v1/inventory_pb';
import { buildCatalogue } from '../seed/catalogue.ts';
import { type SeedClients, seedCatalogue } from '../seed/seed.ts';

export interface SeedingOptions {
  /** gRPC addresses by service. */
  readonly addressOf: (service: string) => string;
  readonly signingKey: string;
  readonly onProgress: (line: string) => void;
}

interface Readers {
  readonly catalog: Pick<Client<typeof CatalogService>, 'getVariants'>;
  readonly inventory: Pick<Client<typeof InventoryService>, 'getStock'>;
}

/** As many SKUs as one request may name. */
const SAMPLE = 200;
const CATCH_UP = { pollMs: 50, limitMs: 15_000 };

/** Seeds the catalogue and its stock; repeating it changes nothing. */
export async function seedShop({ addressOf, signingKey, onProgress }: SeedingOptions): Promise<void> {
  const credential = await signServiceCredential(signingKey, ['cli']);
  const open = (service: string) => createGrpcTransport({ address: addressOf(service), credential });
  const [catalog, inventory] = [open('catalog'), open('inventory')];
  try {
    const clients = {
      catalog: createClient(CatalogService, catalog as Transport),
      inventory: createClient(InventoryService, inventory as Transport),
    };
    await fillShelves(clients, onProgress);
  } finally {
    catalog.close();
    inventory.close();
  }
}

/** A shop that refuses what is seeded, for it has products of its own by such names, is no shop that cannot start. */
export async function fillShelves(clients: SeedClients & Readers, onProgress: (line: string) => void): Promise<void> {
  try {
    await seedCatalogue(clients, onProgress);
    await shelvesFilled(clients);
  } catch (error) {
    if (!(error instanceof ConnectError) || error.code !== Code.FailedPrecondition) throw error;
    onProgress(`nothing more, because ${error.rawMessage}`);
  }
}

/**
 * Waits, but not for ever, until the catalog has heard of the stock: after the very first start that takes some
 * seconds, in which a shop that calls itself ready would have nothing to sell.
 */
async function shelvesFilled({ catalog, inventory }: Readers): Promise<void> {
  const skus = buildCatalogue()
    .stock.slice(-SAMPLE)
    .map(({ sku }) => sku);
  const until = performance.now() + CATCH_UP.limitMs;
  while (performance.now() < until) {
    const [{ levels }, { variants }] = await Promise.all([inventory.getStock({ skus }), catalog.getVariants({ skus })]);
    const inStock = new Set(levels.filter(({ available }) => available > 0n).map(({ sku }) => sku));
    const isTold = ({ sku, availability }: (typeof variants)[number]) =>
      inStock.has(sku) === availability > StockBand.OUT_OF_STOCK;
    if (variants.every(isTold)) return;
    await sleep(CATCH_UP.pollMs);
  }
}
