// A guest pays and signs in before cart has heard of the order: what was paid does not stay in their cart.
import { CartService, CartStatus } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { OrderConfirmedSchema, OrderPlacedSchema, OrderRejectedSchema } from '@stoa/proto/stoa/orders/v1/events_pb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ada, held, newCart, openShop, type Shop } from './open-shop.ts';
import { event, newOrderId } from './order-events.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.stop());

const deliver = (...events: ReturnType<typeof event>[]) => shop.deliver('cart.orders', events);
const line = (sku: string, quantity: number) => ({ sku, quantity });

let people = 0;
let client: ReturnType<typeof shop.client<typeof CartService>>;
beforeEach(() => {
  const id = `0190a000-0000-7000-8002-${(++people).toString(16).padStart(12, '0')}`;
  client = shop.client(CartService, { user: { ...ada, id } });
});
const cartOf = async (cartId: string) => {
  const { cart } = await client.getCart({ cartId });
  return { status: cart?.status, lines: held(cart), version: cart?.version };
};

test('a claimed cart is spent by the order that its guest had placed', async () => {
  const [cart, orderId] = [await newCart(shop), newOrderId()];
  await client.claimCart({ cartId: cart.id });
  await deliver(event(OrderPlacedSchema, orderId, cart));
  expect(await cartOf(cart.id)).toMatchObject({ status: CartStatus.ORDERED, version: 2n });
});

describe('of a cart that was merged into the customer’s', () => {
  /** The customer has 1 MUG of their own; the guest's cart brought 2 MUG and 3 CAP. */
  async function merged() {
    const guests = await newCart(shop, [line('MUG', 2), line('CAP', 3)]);
    const own = await newCart(shop, [line('MUG', 1)], client);
    await client.claimCart({ cartId: guests.id });
    const orderId = newOrderId();
    const placed = event(OrderPlacedSchema, orderId, guests);
    return { guests, own, placed, confirmed: event(OrderConfirmedSchema, orderId, guests), orderId };
  }

  test('the lines are taken out, once', async () => {
    const { own, placed, confirmed } = await merged();
    for (const told of [placed, placed, confirmed, placed]) await deliver(told);
    expect(await cartOf(own.id)).toEqual({ status: CartStatus.OPEN, lines: ['1 MUG'], version: 3n });
  });

  test('no more is taken out than is there', async () => {
    const { own, placed } = await merged();
    await client.updateLines({ cartId: own.id, lines: [line('MUG', 1), line('CAP', 4)] });
    await deliver(placed);
    expect((await cartOf(own.id)).lines).toEqual(['1 CAP']);
  });

  test('the lines come back when the order ends without a sale, once', async () => {
    const { own, guests, placed, orderId } = await merged();
    const rejected = event(OrderRejectedSchema, orderId, guests);
    for (const told of [placed, rejected, rejected, placed, rejected]) await deliver(told);
    expect((await cartOf(own.id)).lines).toEqual(['3 MUG', '3 CAP']);
    expect((await client.claimCart({ cartId: guests.id })).cart?.id).toBe(own.id);
  });

  test('an order of other lines takes nothing', async () => {
    const guests = await newCart(shop, [line('MUG', 2)]);
    const own = await newCart(shop, [line('MUG', 1)], client);
    await shop.guest.addLines({ cartId: guests.id, lines: [line('CAP', 1)] });
    await client.claimCart({ cartId: guests.id });
    await deliver(event(OrderPlacedSchema, newOrderId(), guests));
    expect((await cartOf(own.id)).lines).toEqual(['3 MUG', '1 CAP']);
  });

  test('a customer’s cart that was ordered with the lines in it is still spent by its order', async () => {
    const { own, placed } = await merged();
    const bought = event(OrderPlacedSchema, newOrderId(), { id: own.id, version: 2n });
    await deliver(placed, bought);
    expect((await cartOf(own.id)).status).toBe(CartStatus.ORDERED);
  });

  test('a customer’s cart that is spent keeps what its order has bought, and gets nothing back', async () => {
    const { own, guests, placed, orderId } = await merged();
    const bought = newOrderId();
    const ordered = { id: own.id, version: 2n };
    await deliver(event(OrderPlacedSchema, bought, ordered), placed);
    expect(await cartOf(own.id)).toMatchObject({ status: CartStatus.ORDERED, lines: ['3 MUG', '3 CAP'] });
    await deliver(event(OrderRejectedSchema, bought, ordered), event(OrderRejectedSchema, orderId, guests));
    expect(await cartOf(own.id)).toMatchObject({ status: CartStatus.OPEN, lines: ['3 MUG', '3 CAP'] });
  });
});
