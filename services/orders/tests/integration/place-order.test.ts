import { sql } from '@stoa/chassis/postgres/sql';
import { ErrorInfoSchema } from '@stoa/proto/google/rpc/error_details_pb';
import { ReserveStockSchema } from '@stoa/proto/stoa/inventory/v1/commands_pb';
import { OrderPlacedSchema } from '@stoa/proto/stoa/orders/v1/events_pb';
import { OrderStatus } from '@stoa/proto/stoa/orders/v1/order_pb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALL_WELL, ada, address, bob, eur, newId, type Orders, openOrders, refusal, refused } from './open-orders.ts';

let shop: Orders;
beforeAll(async () => {
  shop = await openOrders();
});
afterAll(() => shop.stop());

/** How many orders, sagas and OrderPlaced there are of a cart. */
async function countsOf(cartId: string) {
  const { orders, sagas } = await shop.db.one(sql<{ orders: bigint; sagas: bigint }>`
    select count(*) as orders, count(saga_id) as sagas from orders left join saga on saga_id = id
    where cart_id = ${cartId}`);
  const placed = (await shop.published(OrderPlacedSchema)).filter(({ order }) => order?.cartId === cartId);
  return { orders, sagas, placed: placed.length };
}

const ONCE = { orders: 1n, sagas: 1n, placed: 1 };

describe('an order', () => {
  test('freezes what the cart was when it was placed', async () => {
    const cartId = shop.newCart({ version: 3n });
    const { order, repeated, accessToken } = await shop.guest.placeOrder(shop.request({ cartId }));
    expect(order).toMatchObject({
      version: 1n,
      status: OrderStatus.PENDING,
      customerId: '',
      cartId,
      cartVersion: 3n,
      shippingMethodId: 'standard',
      paymentMethodId: 'card',
      lines: [{ sku: 'MUG', quantity: 2, productName: 'Mug', unitPrice: eur(1999n), lineTotal: eur(3998n) }],
      totals: { subtotal: eur(3998n), shipping: eur(490n), tax: eur(716n), total: eur(4488n) },
    });
    expect(order?.number).toMatch(/^[0-9A-Z]{10}$/);
    expect([repeated, accessToken === '']).toEqual([false, false]);
  });

  test('is told with its whole state, and asks inventory for its stock', async () => {
    const orderId = await shop.newOrder();
    const placed = (await shop.published(OrderPlacedSchema)).find((event) => event.orderId === orderId);
    expect(placed).toMatchObject({ version: 1n, order: { id: orderId, totals: { total: eur(4488n) } } });
    const asked = (await shop.published(ReserveStockSchema)).find((command) => command.orderId === orderId);
    expect(asked).toMatchObject({ lines: [{ sku: 'MUG', quantity: 2 }], holdSeconds: 1800 });
  });

  test('keeps mail and postal address out of everything that is published', async () => {
    await shop.newOrder(undefined, { email: 'canary@example.org', address: { ...address, line1: 'Canary Wharf' } });
    const { leaks } = await shop.db.one(sql<{ leaks: bigint }>`
      select count(*) as leaks from outbox where encode(payload, 'escape') ~ '(canary@|Canary Wharf)'`);
    expect(leaks).toBe(0n);
  });

  test('of a signed-in customer is theirs, also when the cart was a guest’s', async () => {
    const { order } = await shop.as(ada).placeOrder(shop.request());
    expect(order?.customerId).toBe(ada.id);
    expect((await shop.as(ada).getOrder({ orderId: order?.id as string })).order?.id).toBe(order?.id);
  });
});

describe('one idempotency key', () => {
  test('used 50 times at once gives one order, one saga and one OrderPlaced', async () => {
    const request = shop.request();
    const answers = await Promise.all(Array.from({ length: 50 }, () => shop.guest.placeOrder(request)));
    expect(new Set(answers.map(({ order }) => order?.id)).size).toBe(1);
    expect(new Set(answers.map(({ accessToken }) => accessToken)).size).toBe(1);
    expect(answers.filter(({ repeated }) => !repeated)).toHaveLength(1);
    expect(await countsOf(request.cartId)).toEqual(ONCE);
  });

  test('answers the same order after the cart is spent, and after the order is decided', async () => {
    const request = shop.request();
    const first = await shop.guest.placeOrder(request);
    shop.spent.add(request.cartId);
    const orderId = first.order?.id as string;
    expect(await shop.guest.placeOrder(request)).toMatchObject({ repeated: true, order: { id: orderId } });
    await shop.reply(orderId, ...ALL_WELL);
    const last = await shop.guest.placeOrder(request);
    expect(last).toMatchObject({ repeated: true, order: { id: orderId, status: OrderStatus.CONFIRMED } });
    expect(last.accessToken).toBe(first.accessToken);
  });

  test('answers the order also to the request that sees its effect in the cart and not yet the order', async () => {
    const request = shop.request();
    shop.state.meanwhile = async () => {
      await shop.guest.placeOrder(request);
      shop.soldOut.add(request.cartId);
    };
    expect(await shop.guest.placeOrder(request)).toMatchObject({ repeated: true });
    expect(await countsOf(request.cartId)).toEqual(ONCE);
  });

  test('answers the order also to the request whose cart a claim has merged meanwhile', async () => {
    const request = shop.request();
    shop.state.meanwhile = async () => {
      await shop.guest.placeOrder(request);
      shop.carts.delete(request.cartId);
    };
    expect(await shop.guest.placeOrder(request)).toMatchObject({ repeated: true });
  });

  test('asks nobody when it is repeated', async () => {
    const request = shop.request();
    await shop.guest.placeOrder(request);
    const before = shop.state.checkouts;
    await shop.guest.placeOrder(request);
    expect(shop.state.checkouts).toBe(before);
  });

  test('for another purchase is refused', async () => {
    const request = shop.request();
    await shop.guest.placeOrder(request);
    const others = [
      { cartId: shop.newCart() },
      { paymentMethodId: 'invoice' },
      { paymentToken: 'tok_other' },
      { expectedTotal: eur(4488n) },
    ];
    for (const other of others) {
      const call = shop.guest.placeOrder(shop.request({ ...request, ...other } as typeof request));
      expect(await refused(call)).toEqual(['AlreadyExists', 'KEY_REUSED']);
    }
    expect(await countsOf(request.cartId)).toEqual(ONCE);
  });

  test('for two purchases at once places one and refuses the other', async () => {
    const idempotencyKey = newId();
    const outcomes = await Promise.allSettled(
      [0, 1].map(() => shop.guest.placeOrder(shop.request({ idempotencyKey }))),
    );
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(await Promise.all(lost.map(({ reason }) => refused(Promise.reject(reason))))).toEqual([
      ['AlreadyExists', 'KEY_REUSED'],
    ]);
  });

  test('may wait differently: that is about the answer, not about the purchase', async () => {
    const request = shop.request();
    await shop.guest.placeOrder(request);
    expect((await shop.guest.placeOrder({ ...request, waitMs: 1 })).repeated).toBe(true);
  });

  test('belongs to its customer: the same key of another one is another purchase', async () => {
    const idempotencyKey = newId();
    const place = (user: typeof ada) => {
      const cartId = shop.newCart({ customerId: user.id });
      return shop.as(user).placeOrder(shop.request({ idempotencyKey, cartId }));
    };
    const [first, second] = [await place(ada), await place(bob)];
    expect(second).toMatchObject({ repeated: false });
    expect(second.order?.id).not.toBe(first.order?.id);
  });

  test('is forgotten after its days, and not before', async () => {
    const [old, fresh] = [shop.request(), shop.request()];
    for (const request of [old, fresh]) await shop.guest.placeOrder(request);
    await shop.db.run(sql`
      update idempotency_key set created_at = now() - interval '31 days' where key = ${old.idempotencyKey}`);
    expect(await shop.runJob('forget-keys')).toBe(false);
    const kept = await shop.db.rows(sql<{ key: string }>`
      select key from idempotency_key where key in (${old.idempotencyKey}, ${fresh.idempotencyKey})`);
    expect(kept).toEqual([{ key: fresh.idempotencyKey }]);
    // The order still holds its cart's version, so even then nothing is bought twice.
    expect(await refused(shop.guest.placeOrder(old))).toEqual(['FailedPrecondition', 'CART_ALREADY_ORDERED']);
  });
});

describe('one version of a cart', () => {
  test('is ordered once, whatever the number of keys', async () => {
    const cartId = shop.newCart();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => shop.guest.placeOrder(shop.request({ cartId }))),
    );
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(lost).toHaveLength(19);
    for (const { reason } of lost) {
      expect(await refused(Promise.reject(reason))).toEqual(['FailedPrecondition', 'CART_ALREADY_ORDERED']);
    }
    expect(await countsOf(cartId)).toEqual(ONCE);
  });

  test('that lost leaves its key free for the next version', async () => {
    const cartId = shop.newCart();
    await shop.guest.placeOrder(shop.request({ cartId }));
    const again = shop.request({ cartId });
    expect(await refused(shop.guest.placeOrder(again))).toEqual(['FailedPrecondition', 'CART_ALREADY_ORDERED']);
    shop.carts.set(cartId, { ...shop.carts.get(cartId), version: 2n });
    expect(await shop.guest.placeOrder(again)).toMatchObject({ repeated: false, order: { cartVersion: 2n } });
  });
});

describe('a cart whose order ended without a sale', () => {
  /** A cart of which cart itself knows so far: nothing at all, or that an order has spent it. */
  async function endedCart(end: 'REJECTED' | 'CANCELLED', isSpent: boolean): Promise<string> {
    const cartId = shop.newCart();
    const { order, accessToken } = await shop.guest.placeOrder(shop.request({ cartId }));
    const orderId = order?.id as string;
    if (end === 'CANCELLED') await shop.guest.cancelOrder({ orderId, accessToken });
    await shop.reply(orderId, ...(end === 'CANCELLED' ? [] : (['StockReserved', 'PaymentDeclined'] as const)));
    await shop.reply(orderId, 'StockReleased');
    expect((await shop.orderOf(orderId)).status).toBe(end);
    if (isSpent) shop.spent.add(cartId);
    return cartId;
  }

  test.each([
    ['REJECTED', 'was told of neither end', false],
    ['REJECTED', 'was not told of the end', true],
    ['CANCELLED', 'was not told of the end', true],
  ] as const)('(%s) can be ordered again at once, although cart %s', async (end, _knows, isSpent) => {
    const cartId = await endedCart(end, isSpent);
    // The first attempt finds the cart as it was; before the second one it has opened again.
    shop.state.meanwhile = async () => {
      shop.state.meanwhile = async () => {
        shop.spent.delete(cartId);
        shop.carts.set(cartId, { ...shop.carts.get(cartId), version: 2n });
      };
    };
    const again = await shop.guest.placeOrder(shop.request({ cartId }));
    expect(again).toMatchObject({ repeated: false, order: { cartVersion: 2n, status: OrderStatus.PENDING } });
  });

  test('is refused when another order took it as soon as it was open', async () => {
    const cartId = await endedCart('REJECTED', true);
    shop.state.meanwhile = async () => {
      shop.state.meanwhile = async () => {
        shop.spent.delete(cartId);
        shop.carts.set(cartId, { ...shop.carts.get(cartId), version: 2n });
        await shop.guest.placeOrder(shop.request({ cartId }));
      };
    };
    const call = shop.guest.placeOrder(shop.request({ cartId }));
    expect(await refused(call)).toEqual(['FailedPrecondition', 'CART_ALREADY_ORDERED']);
  });
});

describe('it is refused', () => {
  test('when the total is not the expected one, and the real one is told', async () => {
    for (const expectedTotal of [eur(4487n), { currency: 'USD', minor: 4488n }]) {
      const error = await refusal(shop.guest.placeOrder(shop.request({ expectedTotal })));
      expect(error.findDetails(ErrorInfoSchema)[0]).toMatchObject({
        reason: 'PRICE_CHANGED',
        metadata: { currency: 'EUR', totalMinor: '4488' },
      });
    }
    const expectedTotal = eur(4488n);
    expect(await shop.guest.placeOrder(shop.request({ expectedTotal }))).toMatchObject({ repeated: false });
  });

  test('when payments does not know the method', async () => {
    const call = shop.guest.placeOrder(shop.request({ paymentMethodId: 'barter' }));
    expect(await refused(call)).toEqual(['FailedPrecondition', 'PAYMENT_METHOD_INVALID']);
  });

  test('when cart refuses, with cart’s reason', async () => {
    const empty = shop.newCart({ lines: [] });
    expect(await refused(shop.guest.placeOrder(shop.request({ cartId: empty })))).toEqual([
      'FailedPrecondition',
      'CART_EMPTY',
    ]);
    const adas = shop.newCart({ customerId: ada.id });
    for (const caller of [shop.guest, shop.as(bob)]) {
      expect(await refused(caller.placeOrder(shop.request({ cartId: adas })))).toEqual(['NotFound', 'CART_NOT_FOUND']);
    }
  });

  test('when cart’s totals do not add up, and nothing is stored', async () => {
    const totals = { subtotal: eur(3998n), shipping: eur(490n), tax: eur(716n), total: eur(1n) };
    const cartId = shop.newCart({ totals });
    expect(await refused(shop.guest.placeOrder(shop.request({ cartId })))).toEqual(['Internal', undefined]);
    expect(await countsOf(cartId)).toEqual({ orders: 0n, sagas: 0n, placed: 0 });
  });
});

describe('a customer who waits', () => {
  const orderOfCart = (cartId: string) =>
    expect.poll(async () => (await shop.published(OrderPlacedSchema)).find(({ order }) => order?.cartId === cartId));

  async function waiting(replies: Parameters<Orders['reply']>[1][]) {
    const request = shop.request({ waitMs: 5000 });
    const answer = shop.guest.placeOrder(request);
    await orderOfCart(request.cartId).toBeDefined();
    const placed = (await shop.published(OrderPlacedSchema)).find(({ order }) => order?.cartId === request.cartId);
    await shop.reply(placed?.orderId as string, ...replies);
    return (await answer).order;
  }

  test('is answered as soon as the order is confirmed or rejected', async () => {
    expect(await waiting(['StockReserved', 'PaymentAuthorized', 'StockCommitted', 'PaymentCaptured'])).toMatchObject({
      status: OrderStatus.CONFIRMED,
    });
    expect(await waiting(['StockReservationRefused'])).toMatchObject({
      status: OrderStatus.REJECTED,
      reason: 'INSUFFICIENT_STOCK',
    });
  });

  test('is answered also when another replica decided it, of whose commits this one hears nothing', async () => {
    const { outcomes } = shop.context.deps;
    const { tell } = outcomes;
    outcomes.tell = () => {};
    try {
      expect(await waiting(['StockReservationRefused'])).toMatchObject({ status: OrderStatus.REJECTED });
    } finally {
      outcomes.tell = tell;
    }
  });

  test('is answered as soon as the customer must act', async () => {
    const order = await waiting(['StockReserved', 'PaymentActionRequired']);
    expect(order?.status).toBe(OrderStatus.PENDING);
    expect(order?.paymentAction?.expiresAt).toBeDefined();
  });

  test('is answered with the pending order when the time is up', async () => {
    const { order } = await shop.guest.placeOrder(shop.request({ waitMs: 1 }));
    expect(order?.status).toBe(OrderStatus.PENDING);
  });
});
