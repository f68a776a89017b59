// Whether a cart may be placed, and if not, why. The reasons are API.
import type { Cart } from './cart.ts';
import type { PricedCart } from './price-cart.ts';

export interface CheckoutRefusal {
  readonly reason: 'CART_EMPTY' | 'CART_INCOMPLETE' | 'CART_ALREADY_ORDERED' | 'CART_HAS_PROBLEMS';
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export function refuseOrdered(cart: Cart): CheckoutRefusal | undefined {
  if (cart.orderId === undefined) return undefined;
  return { reason: 'CART_ALREADY_ORDERED', message: 'the cart was ordered', metadata: { order_id: cart.orderId } };
}

/** Judges what needs no prices: it comes before anybody is asked for them. */
export function refuseIncomplete(cart: Cart): CheckoutRefusal | undefined {
  const ordered = refuseOrdered(cart);
  if (ordered !== undefined) return ordered;
  if (cart.lines.length === 0) return { reason: 'CART_EMPTY', message: 'the cart is empty', metadata: {} };
  const missing = [
    cart.email === undefined ? 'email' : undefined,
    cart.address === undefined ? 'address' : undefined,
    cart.shippingMethodId === undefined ? 'shipping_method_id' : undefined,
  ].filter((field) => field !== undefined);
  if (missing.length === 0) return undefined;
  return {
    reason: 'CART_INCOMPLETE',
    message: `the cart lacks ${missing.join(', ')}`,
    metadata: { missing: missing.join(',') },
  };
}

/** Metadata `problems` lists the blocking ones as "KIND" or "KIND:SKU", comma separated. */
export function refuseProblems({ problems }: PricedCart): CheckoutRefusal | undefined {
  const blocking = problems
    .filter((problem) => problem.blocking)
    .map(({ kind, sku }) => (sku === '' ? kind : `${kind}:${sku}`));
  if (blocking.length === 0) return undefined;
  return {
    reason: 'CART_HAS_PROBLEMS',
    message: `the cart cannot be placed: ${blocking.join(', ')}`,
    metadata: { problems: blocking.join(',') },
  };
}
