// Orders that flow while something is done to the shop, and what must have become of them afterwards.

import { expect } from 'vitest';
import { withPatience } from '../../../cli/src/demo/patience.ts';
import type { Card } from '../../../cli/src/demo/plan.ts';
import type { PlaceOrder, Storefront } from '../../../cli/src/demo/storefront.ts';
import { eachAtOnce } from './eventually.ts';
import { allEnded } from './outcomes.ts';
import type { Shop } from './shop.ts';
import { done, fullCart, plentifulSkus, purchase, withStorefront } from './shopper.ts';

const ORDERS = 60;
const AT_ONCE = 8;
/** After so many answers it happens. */
const ACCEPTED_BEFORE = 20;
const PATIENCE_MS = 60_000;

/** How the cards of a shopping street behave. */
const CARDS: readonly Card[] = [
  { token: 'tok_approve' },
  { token: 'tok_approve' },
  { token: 'tok_decline', rejectedFor: 'CARD_DECLINED' },
  { token: 'tok_approve' },
  { token: 'tok_error_once' },
  { token: 'tok_charge_then_hang' },
];
const cardOf = (n: number) => CARDS[n % CARDS.length] as Card;

/**
 * Places orders, calls `disturb` in the middle of it, and repeats under the same keys whatever was not answered. Every
 * order that was accepted must still be there afterwards, once, and come to an end.
 */
export async function survives(shop: Shop, disturb: () => Promise<void>): Promise<void> {
  await withStorefront(shop, AT_ONCE, async (storefront) => {
    const requests = await preparePurchases(storefront);
    const accepted = new Map<string, string>();
    let disturbance: Promise<void> | undefined;
    await eachAtOnce(requests, AT_ONCE, async (request) => {
      const answer = await storefront.placeOrder(request);
      if (answer.ok) accepted.set(request.idempotencyKey, answer.order.id);
      if (accepted.size >= ACCEPTED_BEFORE) disturbance ??= disturb();
    });
    expect(accepted.size).toBeGreaterThanOrEqual(ACCEPTED_BEFORE);
    await disturbance;
    await eachAtOnce(requests, AT_ONCE, async (request) => {
      const repeat = () => storefront.placeOrder(request);
      const answer = done(await withPatience(repeat, { limitMs: PATIENCE_MS }));
      const before = accepted.get(request.idempotencyKey);
      if (before !== undefined) expect(answer).toMatchObject({ order: { id: before }, repeated: true });
      accepted.set(request.idempotencyKey, answer.order.id);
    });
    const cards = new Map(requests.map(({ idempotencyKey }, n) => [accepted.get(idempotencyKey) ?? '', cardOf(n)]));
    expect(cards.size).toBe(ORDERS);
    await allEnded(shop, cards);
  });
}

async function preparePurchases(storefront: Storefront): Promise<PlaceOrder[]> {
  const skus = await plentifulSkus(storefront);
  return eachAtOnce([...Array(ORDERS).keys()], AT_ONCE, async (n) => {
    const sku = skus[n % skus.length] ?? '';
    return purchase(await fullCart(storefront, [{ sku, quantity: 1 }]), cardOf(n).token);
  });
}
