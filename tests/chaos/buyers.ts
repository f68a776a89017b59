// Buyers whom a fault sends itself: each buys one article with a card of the fault's choice, as a careful client does,
// repeating under the same key what was not answered.
import { randomUUID } from 'node:crypto';
import { withPatience } from '../../cli/src/demo/patience.ts';
import { openStorefront, type PlaceOrder, type Storefront } from '../../cli/src/demo/storefront.ts';
import type { Arena } from './arena.ts';
import { seconds } from './tools.ts';

export type { Storefront } from '../../cli/src/demo/storefront.ts';

const ADDRESS = { name: 'Chaos', line1: '1 Fault Street', city: 'Entropy', postalCode: '00000', country: 'DE' };
export const DETAILS = { email: 'chaos@example.test', address: ADDRESS, shippingMethodId: 'standard' };
/** Generous: a hanging provider costs a saga of 60 s and then its undo. It only decides when a run is given up. */
const DECIDED_WITHIN_MS = 240_000;
const PATIENCE = { limitMs: 120_000 };
const CONNECTIONS = 64;

export async function withShop<T>(arena: Pick<Arena, 'url'>, body: (shop: Storefront) => Promise<T>): Promise<T> {
  const shop = openStorefront(arena.url, CONNECTIONS);
  try {
    return await body(shop);
  } finally {
    await shop.close();
  }
}

/** An article of which there is plenty. */
export async function anySku(shop: Storefront): Promise<string> {
  const answer = await withPatience(() => shop.offers(null), PATIENCE);
  const offer = answer.ok ? answer.offers.find(({ availability }) => availability === 'IN_STOCK') : undefined;
  if (offer === undefined) throw new Error('nothing is on sale');
  return offer.sku;
}

export interface Placed {
  readonly id: string;
  readonly accessToken: string;
}

/** A cart with one article, and the request that orders it. */
export async function prepare(shop: Storefront, sku: string, paymentToken: string, key = randomUUID()) {
  const cart = await withPatience(() => shop.createCart({ ...DETAILS, lines: [{ sku, quantity: 1 }] }), PATIENCE);
  if (!cart.ok) throw new Error(`no cart: ${cart.code}`);
  return { cartId: cart.cart.id, idempotencyKey: key, paymentMethodId: 'card', paymentToken };
}

/** Repeated under its key until the shop gives an answer that it means. */
export const place = (shop: Storefront, input: PlaceOrder) => withPatience(() => shop.placeOrder(input), PATIENCE);

/** Buys one article; throws when the shop does not accept the order. */
export async function buy(shop: Storefront, sku: string, paymentToken: string): Promise<Placed> {
  const placed = await place(shop, await prepare(shop, sku, paymentToken));
  if (!placed.ok) throw new Error(`not accepted: ${placed.code}`);
  return { id: placed.order.id, accessToken: placed.accessToken };
}

/** Cancels an order; false when it was too late for that. */
export async function cancel(shop: Storefront, { id, accessToken }: Placed): Promise<boolean> {
  const answer = await withPatience(() => shop.cancelOrder({ orderId: id, accessToken }), PATIENCE);
  if (!answer.ok && answer.code !== 'TOO_LATE_TO_CANCEL') throw new Error(`cancelling was answered ${answer.code}`);
  return answer.ok;
}

/** Waits until an order is decided; its status. */
export async function decided(shop: Storefront, ticket: Placed): Promise<string> {
  for (const until = Date.now() + DECIDED_WITHIN_MS; Date.now() < until; await seconds(0.25)) {
    const answer = await shop.order(ticket);
    if (answer.ok && answer.order !== null && answer.order.status !== 'PENDING') return answer.order.status;
  }
  throw new Error(`order ${ticket.id} was not decided`);
}

/** One more order, which the shop accepts. */
export const acceptsOrders = (arena: Pick<Arena, 'url'>): Promise<Placed> =>
  withShop(arena, async (shop) => buy(shop, await anySku(shop), 'tok_approve'));

/** One more order, which comes to a good end. */
export async function confirmsOrders(arena: Pick<Arena, 'url'>): Promise<void> {
  await withShop(arena, async (shop) => {
    const status = await decided(shop, await buy(shop, await anySku(shop), 'tok_approve'));
    if (status !== 'CONFIRMED') throw new Error(`meanwhile another order ended ${status}`);
  });
}

const BUYERS = 3;

/**
 * Buys on and on with such a card until `isOver`. For moments that only certain orders lead to: what is needed is sent
 * for as long as it takes, whatever the shop's other customers do. What the shop does not answer is of no interest.
 */
export async function buyUntil(arena: Pick<Arena, 'url'>, paymentToken: string, isOver: () => boolean): Promise<void> {
  await withShop(arena, async (shop) => {
    const sku = await anySku(shop);
    const buyer = async () => {
      while (!isOver()) {
        const cart = await shop.createCart({ ...DETAILS, lines: [{ sku, quantity: 1 }] });
        const input = { idempotencyKey: randomUUID(), paymentMethodId: 'card', paymentToken };
        if (cart.ok) await shop.placeOrder({ ...input, cartId: cart.cart.id });
        await seconds(0.05);
      }
    };
    await Promise.all(Array.from({ length: BUYERS }, buyer));
  });
}
