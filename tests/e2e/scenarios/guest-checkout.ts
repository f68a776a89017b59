import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { ask, subscribe } from '../support/http.ts';
import { asOperator } from '../support/operator.ts';
import type { Shop } from '../support/shop.ts';
import { ADDRESS, done, fullCart, outcome, plentifulSkus, purchase, withStorefront } from '../support/shopper.ts';

export function guestCheckout(shop: () => Shop): void {
  describe('a guest', () => {
    test('checks out step by step, and the order is confirmed, paid and shipped', async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        const [first = '', second = ''] = await plentifulSkus(storefront);
        const { cart: empty } = done(await storefront.createCart({}));
        expect(empty).toMatchObject({ status: 'OPEN', lines: [] });
        const lines = [
          { sku: first, quantity: 2 },
          { sku: second, quantity: 1 },
        ];
        const { cart: filled } = done(await storefront.addLines(empty.id, lines));
        expect(filled).toMatchObject({ lines, problems: [] });
        const details = { email: 'grace@example.test', address: ADDRESS, shippingMethodId: 'express' };
        const { cart } = done(await storefront.setDetails(empty.id, details));
        const expectedTotal = cart.totals?.total;
        expect(expectedTotal).toMatchObject({ currency: 'EUR' });
        const request = { ...purchase(cart.id), expectedTotal: expectedTotal as NonNullable<typeof expectedTotal> };
        const { order: placed, accessToken } = done(await storefront.placeOrder(request));
        expect(placed).toMatchObject({ status: 'PENDING', totals: { total: expectedTotal } });
        const order = await outcome(storefront, { id: placed.id, accessToken });
        expect(order).toMatchObject({ status: 'CONFIRMED', reason: null, totals: { total: expectedTotal } });
        const settled = await settledOrder(shop(), placed.id, accessToken);
        expect(settled.payment).toMatchObject({ state: 'CAPTURED', captured: { minor: expectedTotal?.minor } });
        expect(settled.shipment).toMatchObject({ state: 'CREATED', methodId: 'express' });
        expect(settled.trackingNumber).toMatch(/^ST\d{18}$/);
        expect(settled.history.map(({ type }) => type)).toEqual(
          expect.arrayContaining(['OrderPlaced', 'OrderConfirmed', 'OrderShipmentCreated']),
        );
      });
    });

    test('checks out in one mutation that waits for the outcome', async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        const [sku = ''] = await plentifulSkus(storefront);
        const cartId = await fullCart(storefront, [{ sku, quantity: 1 }]);
        const askedAt = performance.now();
        const { order, accessToken } = done(await storefront.placeOrder(purchase(cartId, 'tok_approve', 5_000)));
        // On a busy machine the outcome may take longer than anybody waits for it; it was waited for all the same.
        if (order.status === 'PENDING') expect(performance.now() - askedAt).toBeGreaterThan(1_000);
        expect((await outcome(storefront, { id: order.id, accessToken })).status).toBe('CONFIRMED');
      });
    });

    test('needs the access token to read the order', async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        const [sku = ''] = await plentifulSkus(storefront);
        const cartId = await fullCart(storefront, [{ sku, quantity: 1 }]);
        const { order, accessToken } = done(await storefront.placeOrder(purchase(cartId, 'tok_approve', 5_000)));
        expect(await storefront.order({ id: order.id, accessToken: '' })).toMatchObject({ order: null });
        expect(await storefront.order({ id: order.id, accessToken: `${accessToken}x` })).toMatchObject({ order: null });
        expect(await storefront.order({ id: order.id, accessToken })).toMatchObject({ order: { id: order.id } });
      });
    });

    test('follows the order by subscription until nothing can change any more', async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        const [sku = ''] = await plentifulSkus(storefront);
        const cartId = await fullCart(storefront, [{ sku, quantity: 1 }]);
        const { order, accessToken } = done(await storefront.placeOrder(purchase(cartId)));
        const { events, data } = await subscribe(
          shop().url,
          `subscription { orderStatusChanged(orderId: "${order.id}", accessToken: "${accessToken}")
            { status version trackingNumber } }`,
        );
        expect(events.at(-1)).toBe('complete');
        const states = data.map((each) => each.data.orderStatusChanged);
        const versions: number[] = states.map(({ version }) => version);
        expect(versions).toEqual(versions.toSorted((a, b) => a - b));
        expect(states.at(-1)).toMatchObject({ status: 'CONFIRMED', trackingNumber: expect.stringMatching(/^ST/) });
      });
    });

    test('gets each mail once: confirmation and shipment, or rejection', async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        const [sku = ''] = await plentifulSkus(storefront);
        const expected = { tok_approve: ['order-confirmed', 'order-shipped'], tok_decline: ['order-rejected'] };
        for (const [token, templates] of Object.entries(expected)) {
          const cartId = await fullCart(storefront, [{ sku, quantity: 1 }]);
          const { order } = done(await storefront.placeOrder(purchase(cartId, token, 5_000)));
          const mails = await mailsOf(shop(), order.id, templates.length);
          expect(mails.map(({ template }) => template).sort()).toEqual(templates);
          expect(mails.every(({ to, body }) => to === 'ada@example.test' && body.includes(order.number))).toBe(true);
        }
      });
    });
  });
}

interface SettledOrder {
  readonly trackingNumber: string | null;
  readonly payment: object;
  readonly shipment: object;
  readonly history: readonly { readonly type: string }[];
}

const SETTLED = `query ($id: ID!, $accessToken: String) {
  order(id: $id, accessToken: $accessToken) {
    trackingNumber step payment { state captured { minor } } shipment { state methodId } history { type status }
  }
}`;

/** The order once its shipment is arranged. */
function settledOrder(shop: Shop, id: string, accessToken: string): Promise<SettledOrder> {
  return eventually(async () => {
    const { data } = await ask(shop.url, SETTLED, { id, accessToken });
    expect(data.order.trackingNumber).not.toBeNull();
    return data.order;
  });
}

/** The order's mails, once there are `count`. */
function mailsOf(shop: Shop, orderId: string, count: number) {
  return asOperator(shop, ({ notifications }) =>
    eventually(async () => {
      const { mails } = await notifications.listMailbox({ orderId });
      expect(mails.length).toBeGreaterThanOrEqual(count);
      return mails;
    }),
  );
}
