// What orders do to carts. An order spends one version of its cart; when it ends without a sale the cart opens again
// under a new version, so that the customer may try once more with the same cart.
import { consumer, on } from '@stoa/chassis/events/consumer';
import type { Received } from '@stoa/chassis/events/envelope';
import { topic } from '@stoa/chassis/events/topic';
import type { Tx } from '@stoa/chassis/postgres/database';
import {
  file_stoa_orders_v1_events,
  OrderCancelledSchema,
  OrderPlacedSchema,
  OrderRejectedSchema,
} from '@stoa/proto/stoa/orders/v1/events_pb';
import type { CartContext } from '../context.ts';
import { markOrdered, reopenCarts, type SpentCart } from '../infrastructure/spent-carts.ts';

type OrderEvent = typeof OrderPlacedSchema | typeof OrderRejectedSchema | typeof OrderCancelledSchema;

function toSpentCart({ message }: Received<OrderEvent>): SpentCart {
  const { orderId, order } = message;
  if (order === undefined) throw new Error(`${message.$typeName} of ${orderId} came without its order`);
  return { cartId: order.cartId, cartVersion: order.cartVersion, orderId };
}

function closeCarts(tx: Tx, batch: readonly Received<OrderEvent>[]): Promise<void> {
  return markOrdered(tx, batch.map(toSpentCart));
}

function openCarts(tx: Tx, batch: readonly Received<OrderEvent>[]): Promise<void> {
  return reopenCarts(tx, batch.map(toSpentCart));
}

export const followOrders = consumer<CartContext>({
  name: 'cart.orders',
  topic: topic('orders.events', file_stoa_orders_v1_events),
  on: [on(OrderPlacedSchema, closeCarts), on(OrderRejectedSchema, openCarts), on(OrderCancelledSchema, openCarts)],
});
