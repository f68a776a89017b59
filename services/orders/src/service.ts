// Orders: event-sourced, driven by the checkout saga.
import { topic } from '@stoa/chassis/events/topic';
import { implement } from '@stoa/chassis/rpc/implement';
import { defineService } from '@stoa/chassis/service';
import { file_stoa_inventory_v1_commands } from '@stoa/proto/stoa/inventory/v1/commands_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { file_stoa_payments_v1_commands } from '@stoa/proto/stoa/payments/v1/commands_pb';
import { file_stoa_shipping_v1_commands } from '@stoa/proto/stoa/shipping/v1/commands_pb';
import { cancelOrder } from './api/cancel-order.ts';
import { createOutcomes } from './api/outcomes.ts';
import { placeOrder } from './api/place-order.ts';
import { getContacts, getOrder, getOrderHistories, getOrderHistory, listCustomerOrders } from './api/read-orders.ts';
import { config } from './config/config.ts';
import type { OrdersContext, OrdersDeps } from './context.ts';
import { orderEvents } from './infrastructure/order-events.ts';
import { forgetKeys } from './infrastructure/orders.ts';
import { checkoutRequests, checkoutTimers, followInventory, followPayments, followShipping } from './saga/advance.ts';
import { checkout, longestHoldSeconds } from './saga/checkout.ts';

const FORGET_CHUNK = 1000;

export const orders = defineService({
  name: 'orders',
  config,
  migrations: new URL('../migrations/', import.meta.url),
  publishes: [
    orderEvents,
    topic('orders.inventory-commands', file_stoa_inventory_v1_commands),
    topic('orders.payments-commands', file_stoa_payments_v1_commands),
    topic('orders.shipping-commands', file_stoa_shipping_v1_commands),
  ],
  eventStores: [orderEvents],
  consumers: [followInventory, followPayments, followShipping],
  sagas: [checkout],
  jobs: [
    checkoutTimers,
    checkoutRequests,
    {
      name: 'forget-keys',
      everyMs: 10 * 60_000,
      run: (context: OrdersContext) => forgetKeys(context.db, context.config.keyDays, FORGET_CHUNK),
    },
  ],
  setup: ({ clock, config: { holdSeconds, paymentActionSeconds }, log }): OrdersDeps => {
    if (holdSeconds < longestHoldSeconds(paymentActionSeconds)) {
      // Nobody is charged for what is not there: such an order is rejected with HOLD_EXPIRED.
      log.warn('stock may be held too short for customers who must confirm a payment', {
        reason: `STOA_STOCK_HOLD_SECONDS should be at least ${longestHoldSeconds(paymentActionSeconds)}`,
      });
    }
    return { outcomes: createOutcomes(clock) };
  },
  rpc: (context) => [
    implement(OrdersService, {
      placeOrder: placeOrder(context),
      getOrder: getOrder(context),
      listOrders: listCustomerOrders(context),
      getOrderHistory: getOrderHistory(context),
      getOrderHistories: getOrderHistories(context),
      cancelOrder: cancelOrder(context),
      getContacts: getContacts(context),
    }),
  ],
});
