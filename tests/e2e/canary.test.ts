// A second version of orders beside the first, under load: a good one passes its steps, a bad one is taken back by itself,
// and whatever it did, no order is lost or made twice.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { withPatience } from '../../cli/src/demo/patience.ts';
import type { PlaceOrder } from '../../cli/src/demo/storefront.ts';
import { type Change, copyVersion } from './support/another-version.ts';
import { eventually } from './support/eventually.ts';
import { allEnded } from './support/outcomes.ts';
import { openShop, type Shop } from './support/shop.ts';
import { done, fullCart, plentifulSkus, purchase, withStorefront } from './support/shopper.ts';

const START_MS = 300_000;
/** A verdict needs so many calls: on a busy machine they take their time. */
const STEPS_MS = 240_000;
const TEST_MS = 900_000;
const BUYERS = 4;
const PATIENCE = { limitMs: 60_000 };

const RETURNS_ERRORS: Change = {
  file: 'services/orders/src/api/place-order.ts',
  find: '    checkPlaceOrder(request);\n',
  replace: "    checkPlaceOrder(request);\n    if (request.cartId !== '') throw new Error('planted');\n",
};
const COMPUTES_WRONG: Change = {
  file: 'services/orders/src/api/read-purchase.ts',
  find: '  checkExpected(request, purchase);\n  return purchase;\n',
  replace: `  checkExpected(request, purchase);
  const { totals } = purchase;
  return { ...purchase, totals: { ...totals, total: { ...totals.total, minor: totals.total.minor + 100n } } };
`,
};

let shop: Shop;
beforeAll(async () => {
  shop = await openShop({ split: true });
}, START_MS);
afterEach(() => shop.stop('SIGTERM'), START_MS);
afterAll(() => shop.remove(), START_MS);

interface Report {
  readonly state: string;
  readonly version: string;
  readonly verdict: { readonly kind: string; readonly why?: string };
  readonly wrongOrders: readonly { readonly id: string; readonly number: string; readonly byCanary: boolean }[];
}
const report = (): Report => JSON.parse(readFileSync(join(shop.home, 'canary.json'), 'utf8'));

async function startWith(name: string, change: Change | undefined, percent: number, steps: string) {
  const folder = copyVersion(join(shop.home, name), change);
  const timing = ['--canary-steps', steps, '--canary-step-seconds', '2'];
  await shop.start('--canary', `orders=${folder}:${percent}`, ...timing);
}

/** Buys on and on until the shop's console says what is awaited; requests by key, with the orders they were answered. */
async function buyUntil(said: RegExp): Promise<Map<string, { request: PlaceOrder; orderId: string }>> {
  const accepted = new Map<string, { request: PlaceOrder; orderId: string }>();
  await withStorefront(shop, BUYERS, async (storefront) => {
    const skus = await plentifulSkus(storefront);
    let over = false;
    const buyer = async (first: number) => {
      for (let n = first; !over; n += BUYERS) {
        const request = purchase(await fullCart(storefront, [{ sku: skus[n % skus.length] ?? '', quantity: 1 }]));
        // A good client repeats what failed under the same key; the next attempt may meet the other version.
        for (let answered = false; !answered; ) {
          const answer = await withPatience(() => storefront.placeOrder(request), PATIENCE);
          if (answer.ok) accepted.set(request.idempotencyKey, { request, orderId: answer.order.id });
          answered = answer.ok;
          if (!answered) await sleep(100);
        }
        await sleep(20);
      }
    };
    const buying = Promise.all([...Array(BUYERS).keys()].map(buyer));
    try {
      await eventually(() => expect(shop.said()).toMatch(said), STEPS_MS);
    } finally {
      over = true;
      await buying;
    }
  });
  return accepted;
}

/** Every accepted order came to its end, and its request, repeated, is answered with it and no other. */
async function nothingLost(accepted: Awaited<ReturnType<typeof buyUntil>>) {
  const ids = [...accepted.values()].map(({ orderId }) => orderId);
  expect(new Set(ids).size).toBe(ids.length);
  await allEnded(shop, new Map(ids.map((id) => [id, { token: 'tok_approve' }])));
  await withStorefront(shop, BUYERS, async (storefront) => {
    for (const { request, orderId } of [...accepted.values()].slice(0, 20)) {
      const answer = done(await withPatience(() => storefront.placeOrder(request), PATIENCE));
      expect(answer).toMatchObject({ order: { id: orderId }, repeated: true });
    }
  });
}

const canaryRow = () => shop.rows<{ state: string; version: string }>('orders', 'select state, version from canary');
const leftHanded = () => shop.rows('orders', 'select seq from handed_event');
const writtenBy = (version: string) =>
  shop.rows('orders', `select id from outbox where written_by = 'stoa-orders ' || $1 limit 50`, [version]);

async function auditBroken(): Promise<{ id: string; broken: number }[]> {
  const { stdout } = await shop.stoa('audit', '--settle', '60', '--json');
  const { invariants } = JSON.parse(stdout) as { invariants: { id: string; broken: number }[] };
  return invariants.filter(({ broken }) => broken > 0).map(({ id, broken }) => ({ id, broken }));
}

describe('a canary of orders', { timeout: TEST_MS }, () => {
  test('that is as good passes every step, and stays', async () => {
    await startWith('good', undefined, 10, '50,100');
    const accepted = await buyUntil(/passed every step and would be promoted/);
    expect(shop.said()).toMatch(/10 % of calls and orders[\s\S]*50 % of calls[\s\S]*100 % of calls/);
    expect(report()).toMatchObject({ state: expect.stringMatching(/running|passed/), wrongOrders: [] });
    expect(await canaryRow()).toMatchObject([{ state: 'running' }]);
    expect(await writtenBy(report().version)).not.toEqual([]);
    await nothingLost(accepted);
    expect(await auditBroken()).toEqual([]);
  });

  test('that returns errors is taken back by itself, and every order is placed all the same', async () => {
    await startWith('failing', RETURNS_ERRORS, 50, '100');
    const accepted = await buyUntil(/canary of orders: rolled back/);
    expect(shop.said()).toMatch(/rolled back at \d+ %, because \d+ of its \d+ PlaceOrder calls failed/);
    expect(await canaryRow()).toMatchObject([{ state: 'rolled back' }]);
    expect(await leftHanded()).toEqual([]);
    await nothingLost(accepted);
    expect(await auditBroken()).toEqual([]);
  });

  test('that answers well and computes wrong totals is taken back by itself, and each of those orders is named', async () => {
    await startWith('wrong', COMPUTES_WRONG, 50, '100');
    const accepted = await buyUntil(/canary of orders: rolled back/);
    expect(shop.said()).toMatch(/because \d+ orders? (is|are) wrong: order \S+: TOTALS_DISAGREE/);
    expect(await leftHanded()).toEqual([]);
    await nothingLost(accepted);
    const { wrongOrders } = report();
    expect(wrongOrders.length).toBeGreaterThan(0);
    expect(wrongOrders.every(({ byCanary }) => byCanary)).toBe(true);
    for (const { number } of wrongOrders.slice(0, 20)) expect(shop.said()).toContain(`order ${number}`);
    // The audit sees the same orders and nothing else: their prices, and no other invariant.
    expect(await auditBroken()).toEqual([{ id: 'I18', broken: wrongOrders.length }]);
  });
});
