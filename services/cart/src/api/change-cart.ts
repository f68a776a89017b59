// Changing a cart: read, ask catalog, decide, write onto the version that was read. Usually that is two statements and
// no transaction. Whoever loses the race decides again on the locked row, so nobody loses it twice however many add at
// once, and no addition is lost. Catalog is asked before the lock: a lock waits for nothing.
import { Code, type HandlerContext } from '@connectrpc/connect';
import { failedPrecondition, notFound, refuse } from '@stoa/chassis/rpc/errors';
import type { CartContext } from '../context.ts';
import { type Addition, type Cart, type Edited, mayUse } from '../domain/cart.ts';
import { madeBefore } from '../domain/change-lines.ts';
import { type CheckoutRefusal, refuseOrdered } from '../domain/checkout.ts';
import type { Quotes } from '../domain/quote.ts';
import { lockCart, replaceLocked } from '../infrastructure/cart-store.ts';
import { type Asked, pricedCart, skusOf } from './price.ts';
import type { CartKey } from './read-requests.ts';
import { type CartMessage, writeCart } from './write-cart.ts';

export function cartNotFound() {
  return notFound('CART_NOT_FOUND', 'there is no such cart');
}

/** Throws the refusal, if there is one. */
export function enforce(refusal: CheckoutRefusal | undefined): void {
  if (refusal !== undefined) throw failedPrecondition(refusal.reason, refusal.message, refusal.metadata);
}

/** The cart if it exists and the user may use it; somebody else's does not exist. */
export function visible(cart: Cart | undefined, userId: string | undefined): Cart {
  if (cart === undefined || !mayUse(cart, userId)) throw cartNotFound();
  return cart;
}

function changeable(cart: Cart | undefined, userId: string | undefined): Cart {
  const seen = visible(cart, userId);
  enforce(refuseOrdered(seen));
  return seen;
}

/** Throws when another addition was made under the same key: a client that picks its keys wrongly must hear of it. */
export function refuseReusedKey(cart: Cart, addition: Addition | undefined): void {
  const before = madeBefore(cart, addition);
  if (before === undefined || before.lines === addition?.lines) return;
  throw refuse(Code.AlreadyExists, 'KEY_REUSED', 'this idempotency key was used for other lines');
}

export type Edit = (cart: Cart, quotes: Quotes | undefined) => Edited;

export async function changeCart(
  context: CartContext,
  call: HandlerContext,
  key: CartKey,
  edit: Edit,
  wishes: readonly { readonly sku: string }[] = [],
): Promise<CartMessage> {
  const seen = changeable(await context.deps.carts.read(key.cartId), key.userId);
  const asked: Asked = { quotes: await context.deps.askQuotes(skusOf(seen, wishes), call) };
  const { cart, problems } = await write(context, key, seen, (current) => edit(current, asked.quotes));
  return writeCart(await pricedCart(context, call, cart, asked), problems);
}

async function write(context: CartContext, key: CartKey, seen: Cart, edit: (cart: Cart) => Edited): Promise<Edited> {
  const edited = edit(seen);
  if (edited.cart === seen) return edited;
  const written = await context.deps.carts.replace(edited.cart);
  if (written !== undefined) return { cart: written, problems: edited.problems };
  return context.db.transact(async (tx) => {
    const current = changeable(await lockCart(tx, key.cartId), key.userId);
    const again = edit(current);
    if (again.cart === current) return again;
    return { cart: await replaceLocked(tx, again.cart), problems: again.problems };
  });
}
