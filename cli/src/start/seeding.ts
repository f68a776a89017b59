// Fills the shop through the services' own API, as the operator's command.
import type { Transport } from '@connectrpc/connect';
import { createClient } from '@connectrpc/connect';
import { signServiceCredential } from '@stoa/chassis/rpc/credentials';
import { createGrpcTransport } from '@stoa/chassis/rpc/grpc-transport';
import { CatalogService } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { InventoryService } from '@stoa/proto/stoa/inventory/v1/inventory_pb';
import { seedCatalogue } from '../seed/seed.ts';

export interface SeedingOptions {
  /** gRPC addresses by service. */
  readonly addressOf: (service: string) => string;
  readonly signingKey: string;
  readonly onProgress: (line: string) => void;
}

/** Seeds the catalogue and its stock; repeating it changes nothing. */
export async function seedShop({ addressOf, signingKey, onProgress }: SeedingOptions): Promise<void> {
  const credential = await signServiceCredential(signingKey, ['cli']);
  const open = (service: string) => createGrpcTransport({ address: addressOf(service), credential });
  const [catalog, inventory] = [open('catalog'), open('inventory')];
  try {
    await seedCatalogue(
      {
        catalog: createClient(CatalogService, catalog as Transport),
        inventory: createClient(InventoryService, inventory as Transport),
      },
      onProgress,
    );
  } finally {
    catalog.close();
    inventory.close();
  }
}
