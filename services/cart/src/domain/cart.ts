// What a cart is, and what is wrong with one. Carts are values: every change makes a new one, and a change that
// changes nothing returns the same one, which is how callers know that there is nothing to write.
// The version is the store's business: it rises with each write, and an order spends exactly one version and those after
// it that hold the same lines.

/** Quantity of one line at most. */
export const QUANTITY_MAX = 999;
/** Lines of one cart at most. */
export const LINES_MAX = 100;

export interface Line {
  readonly sku: string;
  readonly quantity: number;
  /** Price in minor units of the cart's currency when the line was last touched; undefined when it was not known. */
  readonly unitMinor: bigint | undefined;
  readonly priceVersion: number;
  readonly productId: string;
  readonly productName: string;
  readonly variantName: string;
  readonly imageUrl: string;
}

export interface Address {
  readonly name: string;
  readonly line1: string;
  readonly line2: string;
  readonly city: string;
  readonly postalCode: string;
  readonly country: string;
}

/** An addition that carried an idempotency key. Both are hashes: a cart keeps ten of them. */
export interface Addition {
  readonly key: string;
  /** What was added. */
  readonly lines: string;
}

export interface Details {
  readonly email: string | undefined;
  readonly address: Address | undefined;
  readonly shippingMethodId: string | undefined;
}

export interface Cart extends Details {
  readonly id: string;
  readonly version: bigint;
  /** undefined for a guest's cart. */
  readonly customerId: string | undefined;
  readonly currency: string;
  readonly lines: readonly Line[];
  /** The last additions that may be repeated, newest last. */
  readonly additions: readonly Addition[];
  /** The order that spent the cart; undefined while it is open. */
  readonly orderId: string | undefined;
  readonly updatedAt: Date;
}

/** Names as in stoa.cart.v1.CartProblemKind. */
export type ProblemKind =
  | 'UNKNOWN_SKU'
  | 'OUT_OF_STOCK'
  | 'PRICE_CHANGED'
  | 'QUANTITY_INVALID'
  | 'TOO_MANY_LINES'
  | 'WRONG_CURRENCY'
  | 'SHIPPING_METHOD_INVALID'
  | 'PRICES_UNAVAILABLE';

export interface Problem {
  readonly kind: ProblemKind;
  /** Empty when it is about the cart as a whole. */
  readonly sku: string;
  readonly message: string;
  /** Whether the cart cannot be placed until it is solved. */
  readonly blocking: boolean;
}

/** The outcome of a change: the cart after it, and what of the wish could not be done. */
export interface Edited {
  readonly cart: Cart;
  readonly problems: readonly Problem[];
}

/** A guest's cart may be used by whoever knows its id, a customer's cart by that customer alone. */
export function mayUse(cart: Cart, userId: string | undefined): boolean {
  return cart.customerId === undefined || cart.customerId === userId;
}
