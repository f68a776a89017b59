// The read model of availability: follows inventory's stock levels, and never backwards.

import { consumer, on } from '@stoa/chassis/events/consumer';
import type { Received } from '@stoa/chassis/events/envelope';
import { topic } from '@stoa/chassis/events/topic';
import type { Tx } from '@stoa/chassis/postgres/database';
import {
  file_stoa_inventory_v1_stock_events,
  StockLevelChangedSchema,
} from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import type { CatalogContext } from '../context.ts';
import { refreshAvailability, storeLevels } from '../infrastructure/store-availability.ts';
import { takeWritersTurn } from '../infrastructure/writers-lock.ts';

export const followStock = consumer<CatalogContext>({
  name: 'catalog.availability',
  topic: topic('inventory.stock-events', file_stoa_inventory_v1_stock_events),
  on: [on(StockLevelChangedSchema, storeStockLevels)],
});

async function storeStockLevels(tx: Tx, batch: readonly Received<typeof StockLevelChangedSchema>[]): Promise<void> {
  await takeWritersTurn(tx);
  const changed = await storeLevels(
    tx,
    batch.map(({ message: { sku, available, version } }) => ({ sku, available, version })),
  );
  if (changed.length > 0) await refreshAvailability(tx, changed);
}
