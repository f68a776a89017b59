// Payments that their customer must confirm at the bank (3-D Secure): on the sandbox's page, as a browser would.
import { describe, expect, test } from 'vitest';
import type { Storefront } from '../../../cli/src/demo/storefront.ts';
import { eventually } from '../support/eventually.ts';
import { ask, subscribe } from '../support/http.ts';
import { availableOf, ledgerOf, sellNew } from '../support/operator.ts';
import type { Shop } from '../support/shop.ts';
import { done, fullCart, outcome, purchase, withStorefront } from '../support/shopper.ts';

interface Asked {
  readonly id: string;
  readonly accessToken: string;
  readonly redirectUrl: string;
}

/** Orders the cart with a card that needs its holder's word, and hears where to give it. */
async function orderAsked(shop: Shop, storefront: Storefront, cartId: string): Promise<Asked> {
  const { order, accessToken } = done(await storefront.placeOrder(purchase(cartId, 'tok_3ds', 5_000)));
  expect(order.status).toBe('PENDING');
  const query = `{ order(id: "${order.id}", accessToken: "${accessToken}") { placedAt paymentAction { redirectUrl expiresAt } } }`;
  const { placedAt, paymentAction } = await eventually(async () => {
    const { data } = await ask(shop.url, query);
    expect(data.order.paymentAction).not.toBeNull();
    return data.order;
  });
  const { redirectUrl, expiresAt } = paymentAction;
  expect(Date.parse(expiresAt)).toBeGreaterThan(Date.parse(placedAt));
  expect(await (await fetch(redirectUrl)).text()).toContain('Confirm');
  return { id: order.id, accessToken, redirectUrl };
}

const act = (redirectUrl: string, answer: 'confirm' | 'fail') =>
  fetch(redirectUrl, { method: 'POST', body: new URLSearchParams({ answer }) });

/** All that the live view tells of the order, until nothing can change any more. */
async function followed(shop: Shop, { id, accessToken }: Asked) {
  const { data } = await subscribe(
    shop.url,
    `subscription { orderStatusChanged(orderId: "${id}", accessToken: "${accessToken}")
      { status reason paymentAction { redirectUrl } } }`,
  );
  return data.map((each) => each.data.orderStatusChanged);
}

export function payingAtTheBank(shop: () => Shop): void {
  describe('a payment that its customer must confirm at the bank', () => {
    test('when they confirm, the order goes on; the live view tells it from the first to the last', async () => {
      const sku = await sellNew(shop(), 10n);
      await withStorefront(shop(), 1, async (storefront) => {
        const asked = await orderAsked(shop(), storefront, await fullCart(storefront, [{ sku, quantity: 1 }]));
        expect(await availableOf(shop(), sku)).toBe(9n);
        const following = followed(shop(), asked);
        expect(await (await act(asked.redirectUrl, 'confirm')).text()).toContain('You have confirmed');
        const states = await following;
        expect(states.at(-1)).toEqual({ status: 'CONFIRMED', reason: null, paymentAction: null });
        expect(await ledgerOf(shop(), asked.id)).toEqual(['authorize ok', 'capture ok']);
      });
    });

    test('when they refuse, nothing is held, and the same cart can be paid again', async () => {
      const sku = await sellNew(shop(), 10n);
      await withStorefront(shop(), 1, async (storefront) => {
        const cartId = await fullCart(storefront, [{ sku, quantity: 4 }]);
        const asked = await orderAsked(shop(), storefront, cartId);
        await act(asked.redirectUrl, 'fail');
        const { status, reason } = await outcome(storefront, asked);
        expect({ status, reason }).toEqual({ status: 'REJECTED', reason: 'AUTHENTICATION_FAILED' });
        await eventually(async () => expect(await availableOf(shop(), sku)).toBe(10n));
        const paid = done(await storefront.placeOrder(purchase(cartId, 'tok_approve')));
        expect((await outcome(storefront, { ...paid.order, accessToken: paid.accessToken })).status).toBe('CONFIRMED');
        expect(await ledgerOf(shop(), asked.id)).toEqual(['authorize AUTHENTICATION_FAILED']);
      });
    });
  });
}

/**
 * One who goes to the bank and never comes back. Their order ends when the time for it is over, which is left to the
 * scenarios in between: they take longer.
 */
export function leavingTheBank(shop: () => Shop): { ends(): void } {
  let left: Asked & { sku: string };
  test('a customer leaves for the bank', async () => {
    const sku = await sellNew(shop(), 10n);
    await withStorefront(shop(), 1, async (storefront) => {
      const cartId = await fullCart(storefront, [{ sku, quantity: 1 }]);
      left = { ...(await orderAsked(shop(), storefront, cartId)), sku };
    });
  });
  return {
    ends: () =>
      test('who never came back from the bank has the order rejected, and is not charged when they come later', async () => {
        await withStorefront(shop(), 1, async (storefront) => {
          expect(await outcome(storefront, left)).toMatchObject({
            status: 'REJECTED',
            reason: 'PAYMENT_ACTION_EXPIRED',
          });
          await eventually(async () => expect(await availableOf(shop(), left.sku)).toBe(10n));
          expect(await (await act(left.redirectUrl, 'confirm')).text()).toContain('cannot be made any more');
          expect(await ledgerOf(shop(), left.id)).toEqual(['void ok']);
        });
      }),
  };
}
