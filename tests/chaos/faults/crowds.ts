// More buyers than there is to sell, and more requests than the shop can serve.
import { randomUUID } from 'node:crypto';
import { openStorefront } from '../../../cli/src/demo/storefront.ts';
import type { Arena } from '../arena.ts';
import { anySku, DETAILS, decided, place, prepare, withShop } from '../buyers.ts';
import type { Fault } from '../fault.ts';
import { sellNew } from '../stock.ts';
import { seconds } from '../tools.ts';

const BUYERS = 500;
const UNITS = 10;

async function rush(arena: Arena): Promise<void> {
  const sku = await sellNew(arena, BigInt(UNITS));
  await withShop(arena, async (shop) => {
    // Carts first: what is rushed for is the stock.
    const inputs = [];
    for (let n = 0; n < BUYERS; n += 50) {
      inputs.push(...(await Promise.all(Array.from({ length: 50 }, () => prepare(shop, sku, 'tok_approve')))));
    }
    const ends = await Promise.all(
      inputs.map(async (input) => {
        const placed = await place(shop, input);
        if (!placed.ok) return placed.code;
        return decided(shop, { id: placed.order.id, accessToken: placed.accessToken });
      }),
    );
    const sold = ends.filter((end) => end === 'CONFIRMED').length;
    if (sold !== UNITS) throw new Error(`${sold} of ${UNITS} units were sold to ${BUYERS} buyers`);
  });
}

const OVERLOAD_SECONDS = 60;
/** Far above what any machine of ours serves. */
const CHECKOUTS_PER_SECOND = 1000;
/** What waits for an answer at a time: buyers, too, are finite. */
const WAITING_MAX = 3000;
const CONNECTIONS = WAITING_MAX;

/** An open loop: checkouts begin whether or not those before them were answered. */
async function overload(arena: Arena): Promise<void> {
  const before = await Promise.all(arena.services().map((service) => arena.pidOf(service)));
  const shop = openStorefront(arena.url, CONNECTIONS);
  const answers = new Map<string, number>();
  const waiting = new Set<Promise<void>>();
  const count = (code: string) => {
    answers.set(code, (answers.get(code) ?? 0) + 1);
  };
  try {
    const sku = await anySku(shop);
    const checkout = async () => {
      const cart = await shop.createCart({ ...DETAILS, lines: [{ sku, quantity: 1 }] });
      if (!cart.ok) return count(cart.code);
      const input = { idempotencyKey: randomUUID(), paymentMethodId: 'card', paymentToken: 'tok_approve' };
      const placed = await shop.placeOrder({ ...input, cartId: cart.cart.id });
      count(placed.ok ? 'ACCEPTED' : placed.code);
    };
    for (const until = Date.now() + OVERLOAD_SECONDS * 1000; Date.now() < until; await seconds(0.05)) {
      for (let n = 0; n < CHECKOUTS_PER_SECOND / 20 && waiting.size < WAITING_MAX; n++) {
        const one: Promise<void> = checkout().finally(() => waiting.delete(one));
        waiting.add(one);
      }
    }
    await Promise.all(waiting);
  } finally {
    await shop.close();
  }
  const after = await Promise.all(arena.services().map((service) => arena.pidOf(service)));
  if (before.some((pid, index) => pid !== after[index])) throw new Error('a service was restarted');
  if ((answers.get('ACCEPTED') ?? 0) === 0) throw new Error('nothing was accepted under overload');
  if (answers.size < 2) throw new Error('the load was no overload: nothing was turned away');
}

export const crowds: readonly Fault[] = [
  {
    id: 'F32',
    title: `${BUYERS} buyers of ${UNITS} units at once`,
    expectation: `exactly ${UNITS} are sold, everybody is told`,
    inject: rush,
  },
  {
    id: 'F34',
    title: `${CHECKOUTS_PER_SECOND} checkouts a second for ${OVERLOAD_SECONDS} s, an open loop far above capacity`,
    expectation: 'the surplus is turned away, what was accepted ends; normal again without a restart',
    long: true,
    inject: overload,
  },
];
