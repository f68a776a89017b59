// Shipping on one page: methods with their prices, and the shipments of confirmed orders.
import { consumer, on } from '@stoa/chassis/events/consumer';
import { topic } from '@stoa/chassis/events/topic';
import { implement } from '@stoa/chassis/rpc/implement';
import { defineService } from '@stoa/chassis/service';
import { CreateShipmentSchema, file_stoa_shipping_v1_commands } from '@stoa/proto/stoa/shipping/v1/commands_pb';
import { file_stoa_shipping_v1_events } from '@stoa/proto/stoa/shipping/v1/events_pb';
import { ShippingService } from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import { createShipments } from './api/create-shipments.ts';
import { refreshMethods } from './api/refresh-methods.ts';
import { shippingHandlers } from './api/rpc.ts';
import { config } from './config/config.ts';
import type { ShippingContext } from './context.ts';
import { loadMethodList } from './infrastructure/method-list.ts';

const followOrders = consumer<ShippingContext>({
  name: 'shipping.orders',
  topic: topic('orders.shipping-commands', file_stoa_shipping_v1_commands),
  on: [on(CreateShipmentSchema, createShipments)],
});

export const shipping = defineService({
  name: 'shipping',
  config,
  migrations: new URL('../migrations/', import.meta.url),
  publishes: [topic('shipping.events', file_stoa_shipping_v1_events)],
  consumers: [followOrders],
  jobs: [{ name: 'refresh-methods', everyMs: 30_000, run: refreshMethods }],
  setup: async (context) => ({ methods: await loadMethodList(context.db) }),
  rpc: (context) => [implement(ShippingService, shippingHandlers(context))],
});
