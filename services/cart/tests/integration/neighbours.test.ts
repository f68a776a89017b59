import { sql } from '@stoa/chassis/postgres/sql';
import { received } from '@stoa/chassis/testing/test-service';
import { CartService } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { OrderPlacedSchema } from '@stoa/proto/stoa/orders/v1/events_pb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ada, details, eur, held, newCart, nobodysCart, openShop, refused, type Shop, told } from './open-shop.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.stop());
beforeEach(() => {
  shop.state.catalog = 'answers';
  shop.state.shipping = 'answers';
  shop.sell('MUG', 1999n);
  // Prices of shipping are forgotten between tests.
  shop.state.lateMs += 31_000;
});

describe('without catalog', () => {
  test('a cart is shown with the prices it had, and cannot be placed', async () => {
    const { id: cartId, totals } = await newCart(shop, [{ sku: 'MUG', quantity: 2 }]);
    shop.state.catalog = 'refuses';
    shop.sell('MUG', 1n);
    const { cart } = await shop.guest.getCart({ cartId });
    expect(told(cart?.problems)).toEqual(['PRICES_UNAVAILABLE!']);
    expect(cart?.totals).toEqual(totals);
    expect(cart?.lines[0]).toMatchObject({ productName: 'Name of MUG', unitPrice: eur(1999n) });
    expect(await refused(shop.guest.getCheckout({ cartId }))).toEqual(['FailedPrecondition', 'CART_HAS_PROBLEMS']);
  });

  test('changes are stored all the same, and priced when catalog is back', async () => {
    shop.state.catalog = 'refuses';
    const { id: cartId } = await newCart(shop, [{ sku: 'MUG', quantity: 1 }]);
    const { cart } = await shop.guest.addLines({
      cartId,
      lines: [
        { sku: 'CAP', quantity: 1 },
        { sku: 'GHOST', quantity: 1 },
      ],
    });
    expect(held(cart)).toEqual(['1 MUG', '1 CAP', '1 GHOST']);
    expect(told(cart?.problems)).toEqual(['PRICES_UNAVAILABLE!']);
    shop.state.catalog = 'answers';
    const back = await shop.guest.getCart({ cartId });
    expect(told(back.cart?.problems)).toEqual(['UNKNOWN_SKU GHOST!']);
    expect(back.cart?.totals?.subtotal).toMatchObject(eur(4499n));
    const done = await shop.guest.removeLines({ cartId, skus: ['GHOST'] });
    expect(told(done.cart?.problems)).toEqual([]);
  });

  test('a catalog that hangs delays an answer by a second and a half, not for ever', async () => {
    const { id: cartId } = await newCart(shop);
    shop.state.catalog = 'hangs';
    const { cart } = await shop.guest.addLines({ cartId, lines: [{ sku: 'MUG', quantity: 1 }] });
    expect([held(cart), told(cart?.problems)]).toEqual([['2 MUG'], ['PRICES_UNAVAILABLE!']]);
  });

  test('a caller who gives up while catalog hangs changed nothing', async () => {
    const { id: cartId } = await newCart(shop);
    shop.state.catalog = 'hangs';
    const caller = new AbortController();
    const calls = shop.state.catalogCalls;
    const change = shop.guest.addLines({ cartId, lines: [{ sku: 'MUG', quantity: 1 }] }, { signal: caller.signal });
    const outcome = refused(change);
    await expect.poll(() => shop.state.catalogCalls).toBeGreaterThan(calls);
    caller.abort();
    expect((await outcome)[0]).toBe('Canceled');
    shop.state.catalog = 'answers';
    expect((await shop.guest.getCart({ cartId })).cart?.version).toBe(1n);
  });
});

describe('shipping prices', () => {
  test('without them the cart is blocked', async () => {
    shop.state.shipping = 'refuses';
    const cart = await newCart(shop);
    expect(told(cart.problems)).toEqual(['PRICES_UNAVAILABLE!']);
    expect(cart.totals?.shipping).toMatchObject(eur(0n));
  });

  test('are at most 30 seconds old', async () => {
    const { id: cartId } = await newCart(shop);
    const calls = shop.state.shippingCalls;
    shop.state.lateMs += 29_000;
    await shop.guest.getCart({ cartId });
    expect(shop.state.shippingCalls).toBe(calls);
    shop.state.lateMs += 1_500;
    await shop.guest.getCart({ cartId });
    expect(shop.state.shippingCalls).toBe(calls + 1);
  });

  test('are not asked for while no method is chosen', async () => {
    const calls = shop.state.shippingCalls;
    await shop.guest.createCart({ lines: [{ sku: 'MUG', quantity: 1 }], details: { address: details.address } });
    expect(shop.state.shippingCalls).toBe(calls);
  });
});

describe('abandoned carts', () => {
  const age = (cartId: string, days: number) =>
    shop.db.run(sql`update cart set updated_at = now() - make_interval(days => ${days}) where id = ${cartId}`);

  test('of guests are deleted after 30 days; ordered, customers’ and younger ones stay', async () => {
    const client = shop.client(CartService, { user: ada });
    const [old, young, ordered] = [await newCart(shop), await newCart(shop), await newCart(shop)];
    const owned = await newCart(shop, undefined, client);
    const order = { id: nobodysCart, cartId: ordered.id, cartVersion: 1n };
    await shop.deliver('cart.orders', [received(OrderPlacedSchema, { orderId: nobodysCart, version: 1n, order })]);
    for (const { id } of [old, ordered, owned]) await age(id, 31);
    await age(young.id, 29);
    expect(await shop.runJob('abandoned-carts')).toBe(false);
    expect(await refused(shop.guest.getCart({ cartId: old.id }))).toEqual(['NotFound', 'CART_NOT_FOUND']);
    for (const { id } of [young, ordered]) expect((await shop.guest.getCart({ cartId: id })).cart?.id).toBe(id);
    expect((await client.getCart({ cartId: owned.id })).cart?.id).toBe(owned.id);
  });

  test('are deleted in chunks: the job says when there is more', async () => {
    await shop.db.run(sql`
      insert into cart (id, currency, updated_at)
      select gen_random_uuid(), 'EUR', now() - interval '40 days' from generate_series(1, 501)`);
    expect(await shop.runJob('abandoned-carts')).toBe(true);
    expect(await shop.runJob('abandoned-carts')).toBe(false);
  });

  test('a signpost of a merged cart goes with them', async () => {
    const client = shop.client(CartService, { user: ada });
    await newCart(shop, [], client);
    const { id: cartId } = await newCart(shop);
    await client.claimCart({ cartId });
    await age(cartId, 31);
    await shop.runJob('abandoned-carts');
    expect(await refused(client.claimCart({ cartId }))).toEqual(['NotFound', 'CART_NOT_FOUND']);
  });
});
