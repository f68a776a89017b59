// An article of its own for a fault: brought on sale as an operator does it.
import { randomUUID } from 'node:crypto';
import { createClient } from '@connectrpc/connect';
import { signServiceCredential } from '@stoa/chassis/rpc/credentials';
import { createGrpcTransport } from '@stoa/chassis/rpc/grpc-transport';
import { CatalogService, StockBand } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { InventoryService } from '@stoa/proto/stoa/inventory/v1/inventory_pb';
import { readSecrets } from '../../cli/src/infrastructure/secrets.ts';
import type { Arena } from './arena.ts';
import { seconds } from './tools.ts';

/** Only decides when a run is given up. */
const ON_SALE_WITHIN_MS = 90_000;

/** Brings so many units of a new SKU on sale, and waits until shoppers see it. */
export async function sellNew(arena: Arena, units: bigint): Promise<string> {
  const credential = await signServiceCredential(readSecrets(arena.home).credentialSigningKey ?? '', ['cli']);
  const open = (service: string) => createGrpcTransport({ address: arena.addresses[service] ?? '', credential });
  const transports = { catalog: open('catalog'), inventory: open('inventory') };
  try {
    const catalog = createClient(CatalogService, transports.catalog);
    const id = randomUUID();
    const sku = `HOT-${id.slice(0, 8)}`;
    const variant = { sku, name: 'The only one', price: { currency: 'EUR', minor: 1000n } };
    await catalog.upsertProducts({ products: [{ id, slug: sku.toLowerCase(), name: sku, variants: [variant] }] });
    const lines = [{ sku, quantity: units }];
    await createClient(InventoryService, transports.inventory).receiveStock({ receiptId: randomUUID(), lines });
    for (const until = Date.now() + ON_SALE_WITHIN_MS; Date.now() < until; await seconds(0.1)) {
      const { variants } = await catalog.getVariants({ skus: [sku] });
      if ((variants[0]?.availability ?? 0) > StockBand.OUT_OF_STOCK) return sku;
    }
    throw new Error(`${sku} did not come on sale`);
  } finally {
    for (const transport of Object.values(transports)) transport.close();
  }
}
