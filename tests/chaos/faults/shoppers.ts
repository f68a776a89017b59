// Trouble that comes in by the front door: a payment provider that hangs or charges late, buyers in a hurry.
import { randomUUID } from 'node:crypto';
import { openStorefront, type Storefront } from '../../../cli/src/demo/storefront.ts';
import type { Arena } from '../arena.ts';
import type { Fault } from '../fault.ts';
import { seconds } from '../tools.ts';

const ADDRESS = { name: 'Chaos', line1: '1 Fault Street', city: 'Entropy', postalCode: '00000', country: 'DE' };
const DETAILS = { email: 'chaos@example.test', address: ADDRESS, shippingMethodId: 'standard' };
/** Commits with the hanging ones a saga of 60 s, then the void: they end, but not soon. */
const ENDS_WITHIN_SECONDS = 150;

async function anySku(shop: Storefront): Promise<string> {
  const answer = await shop.offers(null);
  const offer = answer.ok ? answer.offers.find(({ availability }) => availability === 'IN_STOCK') : undefined;
  if (offer === undefined) throw new Error('nothing is on sale');
  return offer.sku;
}

async function order(shop: Storefront, sku: string, paymentToken: string, key = randomUUID()) {
  const cart = await shop.createCart({ ...DETAILS, lines: [{ sku, quantity: 1 }] });
  if (!cart.ok) throw new Error(`no cart: ${cart.code}`);
  const input = { cartId: cart.cart.id, idempotencyKey: key, paymentMethodId: 'card', paymentToken };
  return { input, placed: await shop.placeOrder(input) };
}

/** Waits until an order is decided; its status. */
async function decided(shop: Storefront, id: string, accessToken: string): Promise<string> {
  for (let waited = 0; waited < ENDS_WITHIN_SECONDS; waited += 0.5) {
    const answer = await shop.order({ id, accessToken });
    if (answer.ok && answer.order !== null && answer.order.status !== 'PENDING') return answer.order.status;
    await seconds(0.5);
  }
  throw new Error(`order ${id} was not decided`);
}

async function withShop(arena: Arena, body: (shop: Storefront) => Promise<void>): Promise<void> {
  const shop = openStorefront(arena.url, 64);
  try {
    await body(shop);
  } finally {
    await shop.close();
  }
}

function provider(id: string, title: string, token: string, ends: string, long: boolean): Fault {
  return {
    id,
    title,
    expectation: `other orders go on; this one ends ${ends}, and the provider's ledger agrees`,
    long,
    inject: (arena) =>
      withShop(arena, async (shop) => {
        const sku = await anySku(shop);
        const tries = await Promise.all(Array.from({ length: 5 }, () => order(shop, sku, token)));
        for (const { placed } of tries) {
          if (!placed.ok) throw new Error(`not accepted: ${placed.code}`);
          const status = await decided(shop, placed.order.id, placed.accessToken);
          if (status !== ends) throw new Error(`${token}: the order ended ${status} and not ${ends}`);
        }
      }),
  };
}

export const shoppers: readonly Fault[] = [
  provider('F24', 'the provider accepts and never answers', 'tok_hang', 'REJECTED', true),
  provider('F25', 'the provider charges and drops the answer', 'tok_charge_then_hang', 'CONFIRMED', false),
  provider('F27a', 'the provider fails once', 'tok_error_once', 'CONFIRMED', false),
  provider('F27b', 'the capture is refused', 'tok_fail_capture', 'REJECTED', false),
  {
    id: 'F29',
    title: 'one key 50 times in parallel, and with another cart',
    expectation: 'one order; the other cart is refused',
    inject: (arena) =>
      withShop(arena, async (shop) => {
        const sku = await anySku(shop);
        const key = randomUUID();
        const { input, placed } = await order(shop, sku, 'tok_approve', key);
        const more = await Promise.all(Array.from({ length: 50 }, () => shop.placeOrder(input)));
        const ids = new Set([placed, ...more].map((answer) => (answer.ok ? answer.order.id : answer.code)));
        if (ids.size !== 1) throw new Error(`one key gave ${[...ids].join(', ')}`);
        const other = await order(shop, sku, 'tok_approve', key);
        if (other.placed.ok || other.placed.code !== 'KEY_REUSED')
          throw new Error('the key was accepted for another cart');
      }),
  },
  {
    id: 'F30',
    title: '40 orders cancelled while they are being captured',
    expectation: 'each is either cancelled with its money back, or confirmed and told that it is too late',
    inject: (arena) =>
      withShop(arena, async (shop) => {
        const sku = await anySku(shop);
        await Promise.all(
          Array.from({ length: 40 }, async (_, index) => {
            const { placed } = await order(shop, sku, 'tok_approve');
            if (!placed.ok) throw new Error(`not accepted: ${placed.code}`);
            await seconds((index % 10) * 0.02);
            const { id } = placed.order;
            const cancelled = await shop.cancelOrder({ orderId: id, accessToken: placed.accessToken });
            const status = await decided(shop, id, placed.accessToken);
            const expected = cancelled.ok ? 'CANCELLED' : 'CONFIRMED';
            if (status !== expected) throw new Error(`cancel answered ${cancelled.ok}, but the order is ${status}`);
          }),
        );
      }),
  },
];
