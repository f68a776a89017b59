import { reasonOf } from '@stoa/chassis/rpc/errors';
import { received } from '@stoa/chassis/testing/test-service';
import { ErrorInfoSchema } from '@stoa/proto/google/rpc/error_details_pb';
import { CartStatus } from '@stoa/proto/stoa/cart/v1/cart_pb';
import {
  OrderCancelledSchema,
  OrderConfirmedSchema,
  OrderPlacedSchema,
  OrderRejectedSchema,
} from '@stoa/proto/stoa/orders/v1/events_pb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { address, details, newCart, nobodysCart, openShop, refusal, refused, type Shop, told } from './open-shop.ts';
import { event, newOrderId } from './order-events.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.stop());

type Event = ReturnType<typeof event>;

const deliver = (...events: Event[]) => shop.deliver('cart.orders', events);
const stateOf = async (cartId: string) => {
  const { cart } = await shop.guest.getCart({ cartId });
  return { status: cart?.status, orderId: cart?.orderId, version: cart?.version };
};

describe('an order', () => {
  test('spends the cart version that it was placed with', async () => {
    const [cart, orderId] = [await newCart(shop), newOrderId()];
    await deliver(event(OrderPlacedSchema, orderId, cart));
    expect(await stateOf(cart.id)).toEqual({ status: CartStatus.ORDERED, orderId, version: 1n });
    await deliver(event(OrderConfirmedSchema, orderId, cart));
    expect((await stateOf(cart.id)).status).toBe(CartStatus.ORDERED);
  });

  test('leaves a cart open that was changed since', async () => {
    const [cart, orderId] = [await newCart(shop), newOrderId()];
    await shop.guest.addLines({ cartId: cart.id, lines: [{ sku: 'CAP', quantity: 1 }] });
    await deliver(event(OrderPlacedSchema, orderId, cart));
    const open = { status: CartStatus.OPEN, orderId: '', version: 2n };
    expect(await stateOf(cart.id)).toEqual(open);
    await deliver(event(OrderRejectedSchema, orderId, cart));
    expect(await stateOf(cart.id)).toEqual(open);
  });

  test('spends a cart of which only details have changed since', async () => {
    const [cart, orderId] = [await newCart(shop), newOrderId()];
    await shop.guest.setDetails({ cartId: cart.id, details: { email: 'other@example.org' } });
    await deliver(event(OrderPlacedSchema, orderId, cart));
    expect(await stateOf(cart.id)).toEqual({ status: CartStatus.ORDERED, orderId, version: 2n });
    await deliver(event(OrderRejectedSchema, orderId, cart));
    await deliver(event(OrderPlacedSchema, orderId, cart));
    expect(await stateOf(cart.id)).toEqual({ status: CartStatus.OPEN, orderId: '', version: 3n });
  });

  test('does not spend a cart whose lines were changed and changed back, nor one changed before its details', async () => {
    const [cart, orderId] = [await newCart(shop), newOrderId()];
    for (const quantity of [2, 1]) await shop.guest.updateLines({ cartId: cart.id, lines: [{ sku: 'MUG', quantity }] });
    await shop.guest.setDetails({ cartId: cart.id, details: { email: 'other@example.org' } });
    await deliver(event(OrderPlacedSchema, orderId, cart));
    expect(await stateOf(cart.id)).toEqual({ status: CartStatus.OPEN, orderId: '', version: 4n });
  });

  test.each([
    ['after the first has ended', (placed: Event, again: Event, ended: Event) => [placed, ended, again]],
    ['before the first has ended', (placed: Event, again: Event, ended: Event) => [placed, again, ended]],
  ])('placed again with other details, heard of %s, has the cart', async (_when, heard) => {
    const [cart, first, second] = [await newCart(shop), newOrderId(), newOrderId()];
    await shop.guest.setDetails({ cartId: cart.id, details: { email: 'other@example.org' } });
    const placed = event(OrderPlacedSchema, first, cart);
    const again = event(OrderPlacedSchema, second, { id: cart.id, version: 2n });
    const ended = event(OrderRejectedSchema, first, cart);
    for (const each of heard(placed, again, ended)) await deliver(each);
    expect(await stateOf(cart.id)).toMatchObject({ status: CartStatus.ORDERED, orderId: second });
    for (const replayed of [placed, again, ended]) await deliver(replayed);
    expect(await stateOf(cart.id)).toMatchObject({ status: CartStatus.ORDERED, orderId: second });
  });

  test('placed twice of one cart in a batch: that of the higher version has it', async () => {
    const [cart, first, second] = [await newCart(shop), newOrderId(), newOrderId()];
    await shop.guest.setDetails({ cartId: cart.id, details: { email: 'other@example.org' } });
    await deliver(
      event(OrderPlacedSchema, first, cart),
      event(OrderPlacedSchema, second, { id: cart.id, version: 2n }),
    );
    expect(await stateOf(cart.id)).toEqual({ status: CartStatus.ORDERED, orderId: second, version: 2n });
  });

  test('that is rejected or cancelled opens its cart again under a new version', async () => {
    for (const ended of [OrderRejectedSchema, OrderCancelledSchema] as const) {
      const [cart, orderId] = [await newCart(shop), newOrderId()];
      await deliver(event(OrderPlacedSchema, orderId, cart));
      await deliver(event(ended as typeof OrderRejectedSchema, orderId, cart));
      expect(await stateOf(cart.id)).toEqual({ status: CartStatus.OPEN, orderId: '', version: 2n });
      expect((await shop.guest.getCheckout({ cartId: cart.id })).cart?.version).toBe(2n);
    }
  });

  test('opens only the cart that it spent itself', async () => {
    const [cart, first, second] = [await newCart(shop), newOrderId(), newOrderId()];
    await deliver(event(OrderPlacedSchema, first, cart));
    await deliver(event(OrderRejectedSchema, first, cart));
    await deliver(event(OrderPlacedSchema, second, { id: cart.id, version: 2n }));
    await deliver(event(OrderRejectedSchema, first, cart));
    expect(await stateOf(cart.id)).toEqual({ status: CartStatus.ORDERED, orderId: second, version: 2n });
  });

  test('replayed changes nothing', async () => {
    const [cart, orderId] = [await newCart(shop), newOrderId()];
    const [placed, rejected] = [event(OrderPlacedSchema, orderId, cart), event(OrderRejectedSchema, orderId, cart)];
    await deliver(placed);
    await deliver(placed);
    expect(await stateOf(cart.id)).toEqual({ status: CartStatus.ORDERED, orderId, version: 1n });
    await deliver(rejected);
    await deliver(placed);
    await deliver(rejected);
    expect(await stateOf(cart.id)).toEqual({ status: CartStatus.OPEN, orderId: '', version: 2n });
  });

  test('of a cart that is not there is no obstacle for the others of its batch', async () => {
    const [a, b, gone] = [await newCart(shop), await newCart(shop), { id: nobodysCart, version: 1n }];
    const [first, second] = [newOrderId(), newOrderId()];
    await deliver(
      event(OrderPlacedSchema, first, a),
      event(OrderPlacedSchema, newOrderId(), gone),
      event(OrderPlacedSchema, second, b),
      event(OrderRejectedSchema, first, a),
    );
    expect([(await stateOf(a.id)).version, (await stateOf(b.id)).orderId]).toEqual([2n, second]);
  });

  test('without its content is an error, not something to pass over', async () => {
    const broken = received(OrderPlacedSchema, { orderId: newOrderId(), version: 1n });
    await expect(shop.deliver('cart.orders', [broken])).rejects.toThrow('came without its order');
  });
});

describe('an ordered cart', () => {
  test('refuses every change and a second checkout, and names its order', async () => {
    const [cart, orderId] = [await newCart(shop), newOrderId()];
    const cartId = cart.id;
    await deliver(event(OrderPlacedSchema, orderId, cart));
    for (const call of [
      () => shop.guest.addLines({ cartId, lines: [{ sku: 'MUG', quantity: 1 }] }),
      () => shop.guest.updateLines({ cartId, lines: [{ sku: 'MUG', quantity: 1 }] }),
      () => shop.guest.removeLines({ cartId, skus: ['MUG'] }),
      () => shop.guest.setDetails({ cartId, details }),
      () => shop.guest.getCheckout({ cartId }),
    ]) {
      const error = await refusal(call());
      expect(reasonOf(error)).toBe('CART_ALREADY_ORDERED');
      expect(error.findDetails(ErrorInfoSchema)[0]?.metadata).toEqual({ order_id: orderId });
    }
  });

  test('tells no problems, though its article is sold out now', async () => {
    shop.sell('LAST', 100n);
    const cart = await newCart(shop, [{ sku: 'LAST', quantity: 1 }]);
    await deliver(event(OrderPlacedSchema, newOrderId(), cart));
    shop.variants.delete('LAST');
    expect(told((await shop.guest.getCart({ cartId: cart.id })).cart?.problems)).toEqual([]);
  });

  test('and parallel changes: every change is before the order or refused', async () => {
    const [cart, orderId] = [await newCart(shop), newOrderId()];
    const change = () => shop.guest.addLines({ cartId: cart.id, lines: [{ sku: 'MUG', quantity: 1 }] });
    const [, ...changes] = await Promise.allSettled([
      deliver(event(OrderPlacedSchema, orderId, cart)),
      ...Array.from({ length: 6 }, change),
    ]);
    const done = changes.filter((outcome) => outcome.status === 'fulfilled').length;
    const state = await stateOf(cart.id);
    expect(state.version).toBe(1n + BigInt(done));
    expect(state.status).toBe(done === 0 ? CartStatus.ORDERED : CartStatus.OPEN);
  });
});

describe('checkout', () => {
  const metadata = async (call: Promise<unknown>) => (await refusal(call)).findDetails(ErrorInfoSchema)[0]?.metadata;

  test('an empty cart is refused', async () => {
    const { id: cartId } = await newCart(shop, []);
    expect(await refused(shop.guest.getCheckout({ cartId }))).toEqual(['FailedPrecondition', 'CART_EMPTY']);
  });

  test('an incomplete cart is refused and names what is missing', async () => {
    const { cart } = await shop.guest.createCart({ lines: [{ sku: 'MUG', quantity: 1 }], details: { address } });
    const cartId = cart?.id as string;
    expect(await refused(shop.guest.getCheckout({ cartId }))).toEqual(['FailedPrecondition', 'CART_INCOMPLETE']);
    expect(await metadata(shop.guest.getCheckout({ cartId }))).toEqual({ missing: 'email,shipping_method_id' });
  });

  test('a cart with blocking problems is refused and lists them', async () => {
    const { id: cartId } = await newCart(shop, [{ sku: 'SOLD-OUT', quantity: 1 }]);
    await shop.guest.setDetails({ cartId, details: { shippingMethodId: 'dollars' } });
    expect(await refused(shop.guest.getCheckout({ cartId }))).toEqual(['FailedPrecondition', 'CART_HAS_PROBLEMS']);
    expect(await metadata(shop.guest.getCheckout({ cartId }))).toEqual({
      problems: 'OUT_OF_STOCK:SOLD-OUT,SHIPPING_METHOD_INVALID',
    });
  });

  test('a changed price does not block: the answer carries the new one', async () => {
    shop.sell('FLEX', 100n);
    const { id: cartId } = await newCart(shop, [{ sku: 'FLEX', quantity: 1 }]);
    shop.sell('FLEX', 120n, { priceVersion: 2 });
    const { cart } = await shop.guest.getCheckout({ cartId });
    expect([cart?.lines[0]?.unitPrice?.minor, told(cart?.problems)]).toEqual([120n, ['PRICE_CHANGED FLEX']]);
  });
});
