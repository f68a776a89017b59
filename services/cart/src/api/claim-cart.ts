// A guest signs in: the cart becomes the customer's, or joins the one the customer has already. Repeating it answers
// the same cart: the dissolved one remembers where its contents went.
import type { HandlerContext } from '@connectrpc/connect';
import type { Tx } from '@stoa/chassis/postgres/database';
import type { CartContext } from '../context.ts';
import { type Edited, mayUse } from '../domain/cart.ts';
import { mergeCarts } from '../domain/change-details.ts';
import { refuseOrdered } from '../domain/checkout.ts';
import { replaceLocked } from '../infrastructure/cart-store.ts';
import { dissolveCart, lockClaimed } from '../infrastructure/claimed-carts.ts';
import { cartNotFound, enforce, visible } from './change-cart.ts';
import { pricedCart } from './price.ts';
import type { CartKey } from './read-requests.ts';
import { type CartMessage, writeCart } from './write-cart.ts';

export async function claimCart(context: CartContext, call: HandlerContext, key: CartKey): Promise<CartMessage> {
  const { cartId, userId } = key;
  if (userId === undefined) throw cartNotFound();
  const claimed = await context.db.transact((tx) => claim(tx, cartId, userId));
  if (typeof claimed === 'string') {
    return writeCart(await pricedCart(context, call, visible(await context.deps.carts.read(claimed), userId)));
  }
  return writeCart(await pricedCart(context, call, claimed.cart), claimed.problems);
}

/** The claimed cart, or the id of the cart that it was merged into earlier. */
async function claim(tx: Tx, cartId: string, userId: string): Promise<Edited | string> {
  const { guests, mergedInto, customers } = await lockClaimed(tx, cartId, userId);
  if (mergedInto !== undefined) return mergedInto;
  if (guests === undefined || !mayUse(guests, userId)) throw cartNotFound();
  if (guests.customerId === userId) return { cart: guests, problems: [] };
  enforce(refuseOrdered(guests));
  if (customers === undefined)
    return { cart: await replaceLocked(tx, { ...guests, customerId: userId }), problems: [] };
  const { cart, problems } = mergeCarts(customers, guests);
  await dissolveCart(tx, guests.id, cart.id);
  return { cart: await replaceLocked(tx, cart), problems };
}
