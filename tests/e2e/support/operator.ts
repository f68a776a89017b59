// What an operator may do from outside the edge: the services' internal methods, with the cli's credential.

import { randomUUID } from 'node:crypto';
import { createClient } from '@connectrpc/connect';
import { signServiceCredential } from '@stoa/chassis/rpc/credentials';
import { createGrpcTransport } from '@stoa/chassis/rpc/grpc-transport';
import { CatalogService, StockBand } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { InventoryService } from '@stoa/proto/stoa/inventory/v1/inventory_pb';
import { NotificationsService } from '@stoa/proto/stoa/notifications/v1/notifications_pb';
import { expect } from 'vitest';
import { readSecrets } from '../../../cli/src/infrastructure/secrets.ts';
import { eventually } from './eventually.ts';
import type { Shop } from './shop.ts';

/** Runs `work` with clients of the internal methods. */
export async function asOperator<T>(shop: Shop, work: (clients: OperatorClients) => Promise<T>): Promise<T> {
  const { credentialSigningKey } = readSecrets(shop.home);
  const credential = await signServiceCredential(credentialSigningKey ?? '', ['cli']);
  const { addresses } = shop.running();
  const open = (service: string) => createGrpcTransport({ address: addresses[service] ?? '', credential });
  const transports = { catalog: open('catalog'), inventory: open('inventory'), notifications: open('notifications') };
  try {
    return await work({
      catalog: createClient(CatalogService, transports.catalog),
      inventory: createClient(InventoryService, transports.inventory),
      notifications: createClient(NotificationsService, transports.notifications),
    });
  } finally {
    for (const transport of Object.values(transports)) transport.close();
  }
}

type ClientOf<T extends Parameters<typeof createClient>[0]> = ReturnType<typeof createClient<T>>;

export interface OperatorClients {
  readonly catalog: ClientOf<typeof CatalogService>;
  readonly inventory: ClientOf<typeof InventoryService>;
  readonly notifications: ClientOf<typeof NotificationsService>;
}

/** Brings a product of one SKU on sale, and waits until a shopper can put it into a cart. */
export async function sellNew(shop: Shop, units: bigint): Promise<string> {
  const id = randomUUID();
  const sku = `E2E-${id.slice(0, 8)}`;
  await asOperator(shop, async ({ catalog, inventory }) => {
    const variant = { sku, name: 'The only one', price: { currency: 'EUR', minor: 1_000n } };
    const product = { id, slug: sku.toLowerCase(), name: `Sold in the test ${sku}`, variants: [variant] };
    await catalog.upsertProducts({ products: [product] });
    await inventory.receiveStock({ receiptId: randomUUID(), lines: [{ sku, quantity: units }] });
    await eventually(async () => {
      const { variants } = await catalog.getVariants({ skus: [sku] });
      expect(variants[0]?.availability).toBe(StockBand.IN_STOCK);
    });
  });
  return sku;
}

/** What the sandbox has answered about the order, oldest first. */
export async function ledgerOf(shop: Shop, orderId: string): Promise<string[]> {
  const entries = 'select kind, ok, code from ledger where order_ref = $1 order by created_at';
  const rows = await shop.rows<{ kind: string; ok: boolean; code: string }>('sandbox', entries, [orderId]);
  return rows.map(({ kind, ok, code }) => `${kind} ${ok ? 'ok' : code}`);
}

/** Units of it that are free to be ordered. */
export function availableOf(shop: Shop, sku: string): Promise<bigint | undefined> {
  return asOperator(shop, async ({ inventory }) => (await inventory.getStock({ skus: [sku] })).levels[0]?.available);
}
