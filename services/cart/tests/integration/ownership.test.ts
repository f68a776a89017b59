import { received } from '@stoa/chassis/testing/test-service';
import { CartService, CartStatus } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { OrderPlacedSchema } from '@stoa/proto/stoa/orders/v1/events_pb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ada, bob, details, held, newCart, nobodysCart, openShop, refused, type Shop, told } from './open-shop.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.stop());

const NOT_FOUND = ['NotFound', 'CART_NOT_FOUND'];
const as = (user: typeof ada | typeof bob) => shop.client(CartService, { user });
/** A customer nobody else in this file is. */
let people = 0;
const newCustomer = () => ({
  ...ada,
  id: `0190a000-0000-7000-8000-${(++people).toString(16).padStart(12, '0')}` as never,
});
const line = (sku: string, quantity: number) => ({ sku, quantity });

describe('ownership', () => {
  test("a customer's cart does not exist for anybody else, whatever they try", async () => {
    const { id: cartId } = await newCart(shop, undefined, as(ada));
    for (const client of [shop.guest, as(bob)]) {
      const lines = [line('MUG', 1)];
      expect(await refused(client.getCart({ cartId }))).toEqual(NOT_FOUND);
      expect(await refused(client.getCheckout({ cartId }))).toEqual(NOT_FOUND);
      expect(await refused(client.addLines({ cartId, lines }))).toEqual(NOT_FOUND);
      expect(await refused(client.updateLines({ cartId, lines }))).toEqual(NOT_FOUND);
      expect(await refused(client.removeLines({ cartId, skus: ['MUG'] }))).toEqual(NOT_FOUND);
      expect(await refused(client.setDetails({ cartId, details }))).toEqual(NOT_FOUND);
    }
    expect(await refused(as(bob).claimCart({ cartId }))).toEqual(NOT_FOUND);
    expect((await as(ada).getCart({ cartId })).cart?.version).toBe(1n);
  });

  test("a guest's cart is used by whoever knows its id, signed in or not, and stays a guest's", async () => {
    const { id: cartId } = await newCart(shop);
    const { cart } = await as(bob).addLines({ cartId, lines: [line('MUG', 1)] });
    expect(cart?.customerId).toBe('');
    expect(held((await shop.guest.getCart({ cartId })).cart)).toEqual(['2 MUG']);
  });
});

describe('claiming', () => {
  let customer: ReturnType<typeof newCustomer>;
  let client: ReturnType<typeof as>;
  beforeEach(() => {
    customer = newCustomer();
    client = as(customer);
  });

  test('only a customer can claim', async () => {
    const { id: cartId } = await newCart(shop);
    expect((await refused(shop.guest.claimCart({ cartId })))[0]).toBe('Unauthenticated');
  });

  test("a customer without an open cart gets the guest's, and the guest loses it", async () => {
    const { id: cartId } = await newCart(shop);
    const { cart } = await client.claimCart({ cartId });
    expect(cart).toMatchObject({ id: cartId, customerId: customer.id, version: 2n });
    expect(await refused(shop.guest.getCart({ cartId }))).toEqual(NOT_FOUND);
  });

  test('a customer with an open cart gets both in one, and the claimed one is gone', async () => {
    const { cart: own } = await client.createCart({ lines: [line('MUG', 1)], details: { email: 'own@example.org' } });
    const guests = await newCart(shop, [line('MUG', 2), line('CAP', 3)]);
    const { cart } = await client.claimCart({ cartId: guests.id });
    expect(held(cart)).toEqual(['3 MUG', '3 CAP']);
    expect(cart).toMatchObject({ id: own?.id, version: 2n, email: 'own@example.org', address: details.address });
    expect(await refused(shop.guest.getCart({ cartId: guests.id }))).toEqual(NOT_FOUND);
    expect(await refused(client.addLines({ cartId: guests.id, lines: [line('MUG', 1)] }))).toEqual(NOT_FOUND);
  });

  test('a repeated claim answers the same cart and adds nothing', async () => {
    await client.createCart({ lines: [line('MUG', 1)] });
    const { id: cartId } = await newCart(shop, [line('MUG', 2)]);
    const first = await client.claimCart({ cartId });
    expect((await client.claimCart({ cartId })).cart).toEqual(first.cart);
    const { id: other } = await newCart(shop);
    const claimed = await as(newCustomer()).claimCart({ cartId: other });
    expect(claimed.cart?.version).toBe(2n);
    expect(await refused(client.claimCart({ cartId: other }))).toEqual(NOT_FOUND);
  });

  test('parallel claims of one cart by one customer merge it once', async () => {
    await client.createCart({ lines: [line('MUG', 1)] });
    const { id: cartId } = await newCart(shop, [line('MUG', 2)]);
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.claimCart({ cartId })));
    for (const { cart } of answers) expect([held(cart), cart?.version]).toEqual([['3 MUG'], 2n]);
  });

  test('of two customers who claim one cart at once, one gets it', async () => {
    const { id: cartId } = await newCart(shop);
    const claims = await Promise.allSettled([client.claimCart({ cartId }), as(newCustomer()).claimCart({ cartId })]);
    expect(claims.map((claim) => claim.status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  test('an addition at the moment of the claim is in the cart or refused, never lost', async () => {
    const { id: cartId } = await newCart(shop, [line('MUG', 1)]);
    const { cart: own } = await client.createCart({ lines: [] });
    const [, added] = await Promise.allSettled([
      client.claimCart({ cartId }),
      client.addLines({ cartId, lines: [line('MUG', 1)] }),
    ]);
    const { cart } = await client.getCart({ cartId: own?.id as string });
    expect(held(cart)).toEqual([added.status === 'fulfilled' ? '2 MUG' : '1 MUG']);
  });

  test('what does not fit into one cart is told', async () => {
    await client.createCart({ lines: [line('MUG', 900)] });
    const { id: cartId } = await newCart(shop, [line('MUG', 900)]);
    const { cart } = await client.claimCart({ cartId });
    expect([held(cart), told(cart?.problems)]).toEqual([['999 MUG'], ['QUANTITY_INVALID MUG']]);
  });

  test('carts of two currencies stay two carts', async () => {
    await client.createCart({ currency: 'USD' });
    const { id: cartId } = await newCart(shop);
    const { cart } = await client.claimCart({ cartId });
    expect(cart).toMatchObject({ id: cartId, currency: 'EUR', customerId: customer.id });
  });

  test('a customer cart that was ordered takes nothing in', async () => {
    const own = await newCart(shop, undefined, client);
    const order = { id: nobodysCart, cartId: own.id, cartVersion: 1n };
    await shop.deliver('cart.orders', [received(OrderPlacedSchema, { orderId: nobodysCart, version: 1n, order })]);
    const { id: cartId } = await newCart(shop);
    const { cart } = await client.claimCart({ cartId });
    expect(cart).toMatchObject({ id: cartId, status: CartStatus.OPEN, customerId: customer.id });
  });

  test('an unknown cart cannot be claimed', async () => {
    expect(await refused(client.claimCart({ cartId: nobodysCart }))).toEqual(NOT_FOUND);
  });
});
