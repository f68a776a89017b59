// A shopper's purchases through the storefront client that the demo uses.

import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import {
  type Address,
  type Caller,
  type Line,
  type Order,
  type OrderTicket,
  openStorefront,
  type Storefront,
} from '../../../cli/src/demo/storefront.ts';
import { eventually } from './eventually.ts';
import type { Shop } from './shop.ts';

export const ADDRESS: Address = {
  name: 'Ada Example',
  line1: '1 Nowhere Street',
  city: 'Exampleburg',
  postalCode: '10115',
  country: 'DE',
};

/** Runs `work` with a storefront on `connections` connections. */
export async function withStorefront<T>(
  shop: Shop,
  connections: number,
  work: (storefront: Storefront) => Promise<T>,
): Promise<T> {
  const storefront = openStorefront(shop.url, connections);
  try {
    return await work(storefront);
  } finally {
    await storefront.close();
  }
}

/** The answer, which must not be a failure. */
export function done<T extends object>(answer: ({ readonly ok: true } & T) | { readonly ok: false }) {
  if (!answer.ok) expect.fail(`refused: ${JSON.stringify(answer)}`);
  return answer;
}

/** SKUs of which there are plenty. */
export async function plentifulSkus(storefront: Storefront): Promise<string[]> {
  const { offers } = done(await storefront.offers(null));
  return offers.filter(({ availability }) => availability === 'IN_STOCK').map(({ sku }) => sku);
}

/** A cart that can be ordered. */
export async function fullCart(storefront: Storefront, lines: readonly Line[], caller?: Caller): Promise<string> {
  const details = { email: 'ada@example.test', address: ADDRESS, shippingMethodId: 'standard' };
  const { cart } = done(await storefront.createCart({ ...details, lines }, caller));
  return cart.id;
}

/** A request to order the cart, under a key of its own. */
export function purchase(cartId: string, paymentToken = 'tok_approve', waitMs = 0) {
  return { cartId, idempotencyKey: randomUUID(), paymentMethodId: 'card', paymentToken, waitMs };
}

/** Waits until the order's outcome is known. */
export function outcome(storefront: Storefront, ticket: OrderTicket, caller?: Caller): Promise<Order> {
  return eventually(async () => {
    const { order } = done(await storefront.order(ticket, caller));
    expect(order?.status).not.toBe('PENDING');
    return order as Order;
  });
}
