import { CartService, CartStatus } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ada, address, details, eur, held, newCart, openShop, refused, type Shop, told } from './open-shop.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.stop());
beforeEach(() => {
  shop.sell('MUG', 1999n);
  shop.state.catalogCalls = 0;
});

describe('creating', () => {
  test('an empty cart is open, in the default currency, and costs nothing', async () => {
    const { cart } = await shop.guest.createCart({});
    expect(cart).toMatchObject({ version: 1n, status: CartStatus.OPEN, customerId: '', currency: 'EUR', lines: [] });
    expect(cart?.totals?.total).toMatchObject(eur(0n));
    expect(cart?.updatedAt).toBeDefined();
  });

  test('one call with lines and details makes a cart that can be placed, with one question to catalog', async () => {
    const { cart } = await shop.guest.createCart({
      lines: [
        { sku: 'MUG', quantity: 2 },
        { sku: 'CAP', quantity: 1 },
      ],
      details,
    });
    expect(shop.state.catalogCalls).toBe(1);
    expect(held(cart)).toEqual(['2 MUG', '1 CAP']);
    expect(cart?.totals).toMatchObject({
      subtotal: eur(6498n),
      shipping: eur(490n),
      tax: eur(638n + 399n + 78n),
      total: eur(6988n),
    });
    expect(cart?.lines[0]).toMatchObject({
      unitPrice: eur(1999n),
      lineTotal: eur(3998n),
      priceVersion: 1,
      productName: 'Name of MUG',
      variantName: 'Blue',
      productId: 'product of MUG',
    });
    expect((await shop.guest.getCheckout({ cartId: cart?.id as string })).cart).toEqual(cart);
  });

  test('what cannot be added is told, and the cart is created with the rest', async () => {
    const lines = ['GHOST', 'USD', 'MUG'].map((sku) => ({ sku, quantity: 1 }));
    const { cart } = await shop.guest.createCart({ lines });
    expect(held(cart)).toEqual(['1 MUG']);
    expect(told(cart?.problems)).toEqual(['UNKNOWN_SKU GHOST', 'WRONG_CURRENCY USD']);
    const again = await shop.guest.getCart({ cartId: cart?.id as string });
    expect(told(again.cart?.problems)).toEqual([]);
  });

  test('a cart has the currency asked for', async () => {
    const { cart } = await shop.guest.createCart({ currency: 'USD', lines: [{ sku: 'USD', quantity: 3 }] });
    expect(cart?.totals?.total).toMatchObject({ currency: 'USD', minor: 300n });
  });

  test('a customer who creates a cart owns it from its first version', async () => {
    const client = shop.client(CartService, { user: ada });
    expect(await newCart(shop, [], client)).toMatchObject({ customerId: ada.id, version: 1n });
    expect(await refused(shop.guest.getCart({ cartId: (await newCart(shop, [], client)).id }))).toEqual([
      'NotFound',
      'CART_NOT_FOUND',
    ]);
  });
});

describe('lines', () => {
  test('adding, setting, removing: each change raises the version by one', async () => {
    const { id: cartId } = await newCart(shop);
    const added = await shop.guest.addLines({
      cartId,
      lines: [
        { sku: 'MUG', quantity: 2 },
        { sku: 'CAP', quantity: 1 },
      ],
    });
    expect([held(added.cart), added.cart?.version]).toEqual([['3 MUG', '1 CAP'], 2n]);
    const updated = await shop.guest.updateLines({
      cartId,
      lines: [
        { sku: 'MUG', quantity: 0 },
        { sku: 'CAP', quantity: 5 },
      ],
    });
    expect([held(updated.cart), updated.cart?.version]).toEqual([['5 CAP'], 3n]);
    const removed = await shop.guest.removeLines({ cartId, skus: ['CAP'] });
    expect([held(removed.cart), removed.cart?.version]).toEqual([[], 4n]);
    expect((await shop.guest.getCart({ cartId })).cart).toEqual(removed.cart);
  });

  test('a change that changes nothing leaves the version', async () => {
    const { id: cartId } = await newCart(shop);
    await shop.guest.removeLines({ cartId, skus: ['CAP'] });
    await shop.guest.updateLines({ cartId, lines: [{ sku: 'MUG', quantity: 1 }] });
    const { cart } = await shop.guest.setDetails({ cartId, details });
    expect(cart?.version).toBe(1n);
  });

  test('no parallel addition is lost', async () => {
    const { id: cartId } = await newCart(shop, []);
    const adds = Array.from({ length: 24 }, (_, index) =>
      shop.guest.addLines({ cartId, lines: [{ sku: index % 2 ? 'MUG' : 'CAP', quantity: 1 + (index % 3) }] }),
    );
    const answers = await Promise.all(adds);
    const { cart } = await shop.guest.getCart({ cartId });
    expect(cart?.lines.reduce((all, line) => all + line.quantity, 0)).toBe(48);
    expect(cart?.version).toBe(25n);
    expect(new Set(answers.map((answer) => answer.cart?.version)).size).toBe(24);
    expect(answers.flatMap((answer) => told(answer.cart?.problems))).toEqual([]);
  });

  test('an addition with a key is made once, however often and however parallel it is sent', async () => {
    const { id: cartId } = await newCart(shop, []);
    const add = (idempotencyKey: string, quantity = 2) =>
      shop.guest.addLines({ cartId, idempotencyKey, lines: [{ sku: 'MUG', quantity }] });
    await Promise.all(Array.from({ length: 8 }, () => add('first')));
    expect((await add('first')).cart).toMatchObject({ version: 2n, lines: [{ sku: 'MUG', quantity: 2 }] });
    expect(held((await add('second')).cart)).toEqual(['4 MUG']);
    // Also after other changes, which keep what is remembered.
    await shop.guest.setDetails({ cartId, details });
    await shop.guest.updateLines({ cartId, lines: [{ sku: 'MUG', quantity: 1 }] });
    expect(held((await add('first')).cart)).toEqual(['1 MUG']);
    expect(await refused(add('first', 3))).toEqual(['AlreadyExists', 'KEY_REUSED']);
    expect(held((await shop.guest.getCart({ cartId })).cart)).toEqual(['1 MUG']);
  });

  test('of keys a cart remembers the last ten, and an addition that was refused may be tried again', async () => {
    const { id: cartId } = await newCart(shop, []);
    const add = (idempotencyKey: string, quantity = 1) =>
      shop.guest.addLines({ cartId, idempotencyKey, lines: [{ sku: 'MUG', quantity }] });
    for (let n = 0; n < 11; n++) await add(`key-${n}`);
    expect(held((await add('key-1')).cart)).toEqual(['11 MUG']);
    expect(held((await add('key-0')).cart)).toEqual(['12 MUG']);
    expect(told((await add('too-many', 999)).cart?.problems)).toEqual(['QUANTITY_INVALID MUG']);
    await shop.guest.removeLines({ cartId, skus: ['MUG'] });
    expect(held((await add('too-many', 999)).cart)).toEqual(['999 MUG']);
  });

  test('parallel additions cannot pass the limit of a line together', async () => {
    const { id: cartId } = await newCart(shop, []);
    const adds = Array.from({ length: 4 }, () =>
      shop.guest.addLines({ cartId, lines: [{ sku: 'MUG', quantity: 400 }] }),
    );
    const answers = await Promise.all(adds);
    expect(held((await shop.guest.getCart({ cartId })).cart)).toEqual(['800 MUG']);
    expect(answers.flatMap((answer) => told(answer.cart?.problems))).toEqual(Array(2).fill('QUANTITY_INVALID MUG'));
  });

  test('the hundred and first line is a problem, not a failure', async () => {
    const skus = Array.from({ length: 101 }, (_, index) => `N${index}`);
    for (const sku of skus) shop.sell(sku, 1n);
    const { id: cartId } = await newCart(
      shop,
      skus.slice(0, 100).map((sku) => ({ sku, quantity: 1 })),
    );
    const { cart } = await shop.guest.addLines({ cartId, lines: [{ sku: 'N100', quantity: 1 }] });
    expect(told(cart?.problems)).toEqual(['TOO_MANY_LINES N100']);
    expect(cart?.lines).toHaveLength(100);
  });

  test('an article out of stock can be kept, and blocks', async () => {
    const cart = await newCart(shop, [{ sku: 'SOLD-OUT', quantity: 1 }]);
    expect(held(cart)).toEqual(['1 SOLD-OUT']);
    expect(told(cart.problems)).toEqual(['OUT_OF_STOCK SOLD-OUT!']);
  });

  test('a price that changed is charged at once and told until the line is touched', async () => {
    const { id: cartId } = await newCart(shop);
    shop.sell('MUG', 2100n, { priceVersion: 2 });
    const { cart } = await shop.guest.getCart({ cartId });
    expect(told(cart?.problems)).toEqual(['PRICE_CHANGED MUG']);
    expect(cart?.lines[0]).toMatchObject({ unitPrice: eur(2100n), previousUnitPrice: eur(1999n), priceVersion: 2 });
    expect(cart?.totals?.subtotal).toMatchObject(eur(2100n));
    const touched = await shop.guest.updateLines({ cartId, lines: [{ sku: 'MUG', quantity: 1 }] });
    expect(told(touched.cart?.problems)).toEqual([]);
    expect(touched.cart?.lines[0]?.previousUnitPrice).toBeUndefined();
  });

  test('an article that catalog dropped blocks until it is removed', async () => {
    shop.sell('FAD', 100n);
    const { id: cartId } = await newCart(shop, [{ sku: 'FAD', quantity: 1 }]);
    shop.variants.delete('FAD');
    expect(told((await shop.guest.getCart({ cartId })).cart?.problems)).toEqual(['UNKNOWN_SKU FAD!']);
    expect(told((await shop.guest.removeLines({ cartId, skus: ['FAD'] })).cart?.problems)).toEqual([]);
  });
});

describe('details', () => {
  test('each can be set alone, and what is left out stays', async () => {
    const { cart } = await shop.guest.createCart({ lines: [{ sku: 'MUG', quantity: 1 }] });
    const cartId = cart?.id as string;
    await shop.guest.setDetails({ cartId, details: { email: ' ada@example.org ' } });
    await shop.guest.setDetails({ cartId, details: { address } });
    const { cart: done } = await shop.guest.setDetails({ cartId, details: { shippingMethodId: 'standard' } });
    expect(done).toMatchObject({ email: 'ada@example.org', address, shippingMethodId: 'standard', version: 4n });
    expect(done?.totals?.shipping).toMatchObject(eur(490n));
  });

  test('a method that does not deliver to the country blocks, until one does', async () => {
    const { id: cartId } = await newCart(shop);
    const abroad = { address: { ...address, country: 'FR' }, shippingMethodId: 'german' };
    const { cart } = await shop.guest.setDetails({ cartId, details: abroad });
    expect(told(cart?.problems)).toEqual(['SHIPPING_METHOD_INVALID!']);
    expect(cart?.totals?.shipping).toMatchObject(eur(0n));
    const home = await shop.guest.setDetails({ cartId, details: { address } });
    expect(told(home.cart?.problems)).toEqual([]);
    expect(home.cart?.totals?.shipping).toMatchObject(eur(300n));
  });

  test('parallel changes of lines and details keep both', async () => {
    const { id: cartId } = await newCart(shop, []);
    await Promise.all([
      shop.guest.setDetails({ cartId, details: { email: 'new@example.org' } }),
      shop.guest.addLines({ cartId, lines: [{ sku: 'MUG', quantity: 1 }] }),
      shop.guest.setDetails({ cartId, details: { shippingMethodId: 'german' } }),
    ]);
    const { cart } = await shop.guest.getCart({ cartId });
    expect(cart).toMatchObject({ email: 'new@example.org', shippingMethodId: 'german', version: 4n });
    expect(held(cart)).toEqual(['1 MUG']);
  });
});
