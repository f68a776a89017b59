import { describe, expect, test } from 'vitest';
import { eachAtOnce, eventually } from '../support/eventually.ts';
import { availableOf, ledgerOf, sellNew } from '../support/operator.ts';
import type { Shop } from '../support/shop.ts';
import { done, fullCart, outcome, plentifulSkus, purchase, withStorefront } from '../support/shopper.ts';

export function payingOnce(shop: () => Shop): void {
  describe('one purchase', () => {
    test('sent 50 times in parallel with one key is one order and one authorization', async () => {
      await withStorefront(shop(), 50, async (storefront) => {
        const [sku = ''] = await plentifulSkus(storefront);
        const request = purchase(await fullCart(storefront, [{ sku, quantity: 1 }]));
        const answers = await eachAtOnce(Array.from({ length: 50 }), 50, () => storefront.placeOrder(request));
        const placed = answers.map((answer) => done(answer));
        expect(new Set(placed.map(({ order }) => order.id)).size).toBe(1);
        expect(placed.filter(({ repeated }) => !repeated)).toHaveLength(1);
        const [{ order, accessToken } = expect.fail('nothing was placed')] = placed;
        expect((await outcome(storefront, { id: order.id, accessToken })).status).toBe('CONFIRMED');
        expect(await ledgerOf(shop(), order.id)).toEqual(['authorize ok', 'capture ok']);
        const count = 'select count(*)::int as n from orders where cart_id = $1';
        expect(await shop().rows('orders', count, [request.cartId])).toEqual([{ n: 1 }]);
      });
    });

    test('with the key of another purchase is refused, and its cart stays open', async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        const [sku = ''] = await plentifulSkus(storefront);
        const [first, second] = [
          await fullCart(storefront, [{ sku, quantity: 1 }]),
          await fullCart(storefront, [{ sku, quantity: 1 }]),
        ];
        const request = purchase(first);
        const { order } = done(await storefront.placeOrder(request));
        const reused = await storefront.placeOrder({ ...request, cartId: second });
        expect(reused).toMatchObject({ ok: false, code: 'KEY_REUSED', retryable: false });
        expect(done(await storefront.placeOrder(request))).toMatchObject({ order: { id: order.id }, repeated: true });
        done(await storefront.placeOrder(purchase(second)));
      });
    });

    test('of a cart that is spent already is refused under another key', async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        const [sku = ''] = await plentifulSkus(storefront);
        const cartId = await fullCart(storefront, [{ sku, quantity: 1 }]);
        done(await storefront.placeOrder(purchase(cartId)));
        expect(await storefront.placeOrder(purchase(cartId))).toMatchObject({ code: 'CART_ALREADY_ORDERED' });
      });
    });
  });

  describe('a payment that fails', () => {
    test('when it is declined gives the stock back, and the same cart can be paid again', async () => {
      const sku = await sellNew(shop(), 10n);
      await withStorefront(shop(), 1, async (storefront) => {
        const cartId = await fullCart(storefront, [{ sku, quantity: 4 }]);
        const declined = done(await storefront.placeOrder(purchase(cartId, 'tok_decline', 5_000)));
        const { status, reason } = await outcome(storefront, { ...declined.order, accessToken: declined.accessToken });
        expect({ status, reason }).toEqual({ status: 'REJECTED', reason: 'CARD_DECLINED' });
        await eventually(async () => expect(await availableOf(shop(), sku)).toBe(10n));
        const paid = done(await storefront.placeOrder(purchase(cartId, 'tok_approve', 5_000)));
        expect((await outcome(storefront, { ...paid.order, accessToken: paid.accessToken })).status).toBe('CONFIRMED');
        expect(paid.order.id).not.toBe(declined.order.id);
        expect(await availableOf(shop(), sku)).toBe(6n);
        expect(await ledgerOf(shop(), declined.order.id)).toEqual(['authorize CARD_DECLINED']);
      });
    });

    test('when its capture fails returns everything', async () => {
      const sku = await sellNew(shop(), 10n);
      await withStorefront(shop(), 1, async (storefront) => {
        const cartId = await fullCart(storefront, [{ sku, quantity: 1 }]);
        const { order, accessToken } = done(await storefront.placeOrder(purchase(cartId, 'tok_fail_capture')));
        const { status, reason } = await outcome(storefront, { id: order.id, accessToken });
        expect({ status, reason }).toEqual({ status: 'REJECTED', reason: 'CAPTURE_REFUSED' });
        await eventually(async () => expect(await availableOf(shop(), sku)).toBe(10n));
        await eventually(async () =>
          expect(await ledgerOf(shop(), order.id)).toEqual(['authorize ok', 'capture CAPTURE_REFUSED', 'void ok']),
        );
      });
    });

    test('when the provider charges and does not answer is settled with that one charge', async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        const [sku = ''] = await plentifulSkus(storefront);
        const cartId = await fullCart(storefront, [{ sku, quantity: 1 }]);
        const { order, accessToken } = done(await storefront.placeOrder(purchase(cartId, 'tok_charge_then_hang')));
        expect((await outcome(storefront, { id: order.id, accessToken })).status).toBe('CONFIRMED');
        expect(await ledgerOf(shop(), order.id)).toEqual(['authorize ok', 'capture ok']);
      });
    });
  });

  describe('a flash sale', () => {
    test('of 200 units to 400 buyers, 32 at a time, confirms exactly 200 and turns 200 away', async () => {
      const sku = await sellNew(shop(), 200n);
      await withStorefront(shop(), 32, async (storefront) => {
        const buyers = Array.from({ length: 400 });
        const carts = await eachAtOnce(buyers, 32, () => fullCart(storefront, [{ sku, quantity: 1 }]));
        const answers = await eachAtOnce(carts, 32, async (cartId) => {
          const answer = await storefront.placeOrder(purchase(cartId));
          if (!answer.ok) return answer.code;
          const { status, reason } = await outcome(storefront, {
            id: answer.order.id,
            accessToken: answer.accessToken,
          });
          return status === 'CONFIRMED' ? status : reason;
        });
        // Late buyers learn it before they place: their carts say so.
        const turnedAway = answers.filter((each) => each === 'INSUFFICIENT_STOCK' || each === 'CART_HAS_PROBLEMS');
        expect(answers.filter((each) => each === 'CONFIRMED')).toHaveLength(200);
        expect(turnedAway).toHaveLength(200);
        expect(await availableOf(shop(), sku)).toBe(0n);
      });
    });
  });
}
