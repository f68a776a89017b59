// Inventory on one page: stock by SKU, the reservations of orders against it, and the goods that come in and leave.
import { consumer, on } from '@stoa/chassis/events/consumer';
import { topic } from '@stoa/chassis/events/topic';
import { implement } from '@stoa/chassis/rpc/implement';
import { defineService } from '@stoa/chassis/service';
import {
  CommitStockSchema,
  file_stoa_inventory_v1_commands,
  ReleaseStockSchema,
  ReserveStockSchema,
} from '@stoa/proto/stoa/inventory/v1/commands_pb';
import { InventoryService } from '@stoa/proto/stoa/inventory/v1/inventory_pb';
import { file_stoa_inventory_v1_reservation_events } from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { file_stoa_inventory_v1_stock_events } from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { commitStock } from './api/commit-stock.ts';
import { expireHolds } from './api/expire-holds.ts';
import { releaseStock } from './api/release-stock.ts';
import { reserveStock } from './api/reserve-stock.ts';
import { inventoryHandlers } from './api/rpc.ts';
import { followShipments } from './api/ship-stock.ts';
import { config } from './config/config.ts';
import type { InventoryContext } from './context.ts';

const followOrders = consumer<InventoryContext>({
  name: 'inventory.orders',
  topic: topic('orders.inventory-commands', file_stoa_inventory_v1_commands),
  on: [on(ReserveStockSchema, reserveStock), on(CommitStockSchema, commitStock), on(ReleaseStockSchema, releaseStock)],
});

export const inventory = defineService({
  name: 'inventory',
  config,
  migrations: new URL('../migrations/', import.meta.url),
  publishes: [
    topic('inventory.reservation-events', file_stoa_inventory_v1_reservation_events),
    topic('inventory.stock-events', file_stoa_inventory_v1_stock_events),
  ],
  consumers: [followOrders, followShipments],
  jobs: [{ name: 'expire-holds', everyMs: 1000, run: expireHolds }],
  rpc: (context) => [implement(InventoryService, inventoryHandlers(context))],
});
