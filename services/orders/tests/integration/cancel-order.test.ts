import { OrderStatus } from '@stoa/proto/stoa/orders/v1/order_pb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALL_WELL, ada, bob, type Orders, openOrders, type Reply, refused, staff } from './open-orders.ts';

let shop: Orders;
beforeAll(async () => {
  shop = await openOrders();
});
afterAll(() => shop.stop());

const TOO_LATE = ['FailedPrecondition', 'TOO_LATE_TO_CANCEL'];

/** Where an order may be cancelled, what was asked by then, and how it is undone. */
const BEFORE_PIVOT: [string, readonly Reply[], string[], readonly Reply[]][] = [
  ['RESERVING', [], ['ReleaseStock'], ['StockReleased']],
  ['AUTHORIZING', ALL_WELL.slice(0, 1), ['CancelPayment'], ['PaymentCancelled', 'StockReleased']],
  ['COMMITTING_STOCK', ALL_WELL.slice(0, 2), ['CancelPayment'], ['PaymentCancelled', 'StockReleased']],
];

describe('until its payment is captured an order can be cancelled', () => {
  test.each(BEFORE_PIVOT)('while %s', async (_state, before, asked, undone) => {
    const orderId = await shop.newOrder(ada);
    await shop.reply(orderId, ...before);
    const sent = (await shop.told(orderId)).length;
    const { order } = await shop.as(ada).cancelOrder({ orderId });
    expect(order?.status).toBe(OrderStatus.PENDING);
    expect((await shop.told(orderId)).slice(sent)).toEqual(asked);
    await shop.reply(orderId, ...undone);
    expect(await shop.orderOf(orderId)).toMatchObject({ status: 'CANCELLED', reason: 'CUSTOMER_REQUEST', version: 2n });
    expect((await shop.told(orderId)).at(-1)).toBe('OrderCancelled');
  });
});

describe('from then on it cannot', () => {
  test.each([
    ['CAPTURING', ALL_WELL.slice(0, 3)],
    ['ARRANGING_SHIPMENT', ALL_WELL.slice(0, 4)],
    ['COMPLETED', ALL_WELL],
  ] as const)('while %s', async (state, before) => {
    const orderId = await shop.newOrder(ada);
    await shop.reply(orderId, ...before);
    const sent = await shop.told(orderId);
    expect(await refused(shop.as(ada).cancelOrder({ orderId }))).toEqual(TOO_LATE);
    expect((await shop.sagaOf(orderId)).state).toBe(state);
    expect(await shop.told(orderId)).toEqual(sent);
  });
});

test('repeating it changes nothing and answers the order as it is by then', async () => {
  const orderId = await shop.newOrder(ada);
  const cancel = () => shop.as(ada).cancelOrder({ orderId });
  await Promise.all([cancel(), cancel(), cancel()]);
  expect(await shop.told(orderId)).toEqual(['OrderPlaced', 'ReserveStock', 'ReleaseStock']);
  await shop.reply(orderId, 'StockReleased');
  expect((await cancel()).order).toMatchObject({ status: OrderStatus.CANCELLED, reason: 'CUSTOMER_REQUEST' });
  expect(await shop.told(orderId)).toHaveLength(4);
});

test('of an order that is being undone anyway it keeps the reason', async () => {
  const orderId = await shop.newOrder(ada);
  await shop.reply(orderId, 'StockReserved', 'PaymentDeclined');
  expect((await shop.as(ada).cancelOrder({ orderId })).order?.status).toBe(OrderStatus.PENDING);
  await shop.reply(orderId, 'StockReleased');
  expect(await shop.orderOf(orderId)).toMatchObject({ status: 'REJECTED', reason: 'CARD_DECLINED' });
});

test('against the reply that leads to the pivot exactly one of both wins', async () => {
  for (let round = 0; round < 10; round++) {
    const orderId = await shop.newOrder(ada);
    await shop.reply(orderId, 'StockReserved', 'PaymentAuthorized');
    const [cancelled] = await Promise.allSettled([
      shop.as(ada).cancelOrder({ orderId }),
      shop.reply(orderId, 'StockCommitted'),
    ]);
    const asked = (await shop.told(orderId)).slice(4);
    expect(asked).toEqual([cancelled.status === 'fulfilled' ? 'CancelPayment' : 'CapturePayment']);
  }
});

test('it is for the customer, for staff and for a guest with the token', async () => {
  const orderId = await shop.newOrder(ada);
  for (const user of [bob, undefined]) {
    expect(await refused(shop.as(user).cancelOrder({ orderId }))).toEqual(['NotFound', 'ORDER_NOT_FOUND']);
  }
  expect((await shop.sagaOf(orderId)).state).toBe('RESERVING');
  await shop.as(staff).cancelOrder({ orderId });
  const { order, accessToken } = await shop.guest.placeOrder(shop.request());
  await shop.guest.cancelOrder({ orderId: order?.id as string, accessToken });
  expect((await shop.sagaOf(order?.id as string)).state).toBe('UNDOING_RESERVING');
});
