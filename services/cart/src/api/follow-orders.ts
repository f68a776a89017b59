// What orders do to carts. An order spends its cart; when it ends without a sale the cart opens again under a new version,
// so that the customer may try once more with the same cart. Where the cart was merged meanwhile, because its guest signed
// in after placing the order, the same happens to its lines in the cart that has taken them in.
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
import { mergeLines, takeOut } from '../domain/change-lines.ts';
import { replaceLocked } from '../infrastructure/cart-store.ts';
import { forgetLines, lockOpen, writeRest } from '../infrastructure/claimed-carts.ts';
import { type MergedCart, markOrdered, reopenCarts, type SpentCart } from '../infrastructure/spent-carts.ts';

type OrderEvent = typeof OrderPlacedSchema | typeof OrderRejectedSchema | typeof OrderCancelledSchema;

function toSpentCart({ message }: Received<OrderEvent>): SpentCart {
  const { orderId, order } = message;
  if (order === undefined) throw new Error(`${message.$typeName} of ${orderId} came without its order`);
  return { cartId: order.cartId, cartVersion: order.cartVersion, orderId };
}

async function closeCarts(tx: Tx, batch: readonly Received<OrderEvent>[]): Promise<void> {
  const merged = await markOrdered(tx, batch.map(toSpentCart));
  if (merged.length > 0) await takeBought(tx, merged);
}

async function openCarts(tx: Tx, batch: readonly Received<OrderEvent>[]): Promise<void> {
  const merged = await reopenCarts(tx, batch.map(toSpentCart));
  if (merged.length > 0) await bringBack(tx, merged);
}

// Both lock other carts after those of the batch, so they may get in the way of a repeated claim: PostgreSQL breaks that
// deadlock and the loser begins again.

/** Takes what was bought out of the carts that have taken it in. */
async function takeBought(tx: Tx, merged: readonly MergedCart[]): Promise<void> {
  const carts = await lockOpen(
    tx,
    merged.map(({ mergedInto }) => mergedInto),
  );
  for (const { mergedInto, lines } of merged) {
    const cart = carts.get(mergedInto);
    if (cart !== undefined) carts.set(mergedInto, takeOut(cart, lines));
  }
  await writeRest(tx, [...carts.values()]);
  // A cart that is spent itself was bought with those lines in it: whatever becomes of this order, they do not come back.
  const gone = merged.filter(({ mergedInto }) => !carts.has(mergedInto)).map(({ id }) => id);
  if (gone.length > 0) await forgetLines(tx, gone);
}

/** Puts what was not bought after all into those of the carts that are open. */
async function bringBack(tx: Tx, merged: readonly MergedCart[]): Promise<void> {
  const carts = await lockOpen(
    tx,
    merged.map(({ mergedInto }) => mergedInto),
  );
  for (const { mergedInto, lines } of merged) {
    const cart = carts.get(mergedInto);
    if (cart !== undefined) carts.set(mergedInto, mergeLines(cart, lines).cart);
  }
  for (const cart of carts.values()) await replaceLocked(tx, cart);
}

export const followOrders = consumer<CartContext>({
  name: 'cart.orders',
  topic: topic('orders.events', file_stoa_orders_v1_events),
  on: [on(OrderPlacedSchema, closeCarts), on(OrderRejectedSchema, openCarts), on(OrderCancelledSchema, openCarts)],
});
