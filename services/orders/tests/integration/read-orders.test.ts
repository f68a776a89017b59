import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { OrderStatus, OrderStep } from '@stoa/proto/stoa/orders/v1/order_pb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ALL_WELL,
  ada,
  address,
  bob,
  newId,
  type Orders,
  openOrders,
  type Reply,
  refused,
  staff,
} from './open-orders.ts';

let shop: Orders;
beforeAll(async () => {
  shop = await openOrders();
});
afterAll(() => shop.stop());

const NOT_FOUND = ['NotFound', 'ORDER_NOT_FOUND'];

describe('an order is seen by', () => {
  const reads = (as: Orders['guest'], orderId: string, accessToken = '') => [
    () => as.getOrder({ orderId, accessToken }),
    () => as.getOrderHistory({ orderId, accessToken }),
  ];

  test('its customer and staff, and does not exist for anybody else', async () => {
    const orderId = await shop.newOrder(ada);
    for (const user of [ada, staff]) await Promise.all(reads(shop.as(user), orderId).map((read) => read()));
    for (const user of [bob, undefined]) {
      for (const read of reads(shop.as(user), orderId)) expect(await refused(read())).toEqual(NOT_FOUND);
    }
  });

  test('a guest who holds its access token, and by no other token', async () => {
    const { order, accessToken } = await shop.guest.placeOrder(shop.request());
    const orderId = order?.id as string;
    await Promise.all(reads(shop.guest, orderId, accessToken).map((read) => read()));
    const other = (await shop.guest.placeOrder(shop.request())).accessToken;
    for (const wrong of ['', 'x', other, `${accessToken}x`, accessToken.slice(1)]) {
      for (const read of reads(shop.guest, orderId, wrong)) expect(await refused(read())).toEqual(NOT_FOUND);
    }
    for (const read of reads(shop.as(bob), orderId)) expect(await refused(read())).toEqual(NOT_FOUND);
  });

  test('whoever writes its id in capitals', async () => {
    const orderId = await shop.newOrder(ada);
    const [one, history] = reads(shop.as(ada), orderId.toUpperCase());
    expect(await one?.()).toMatchObject({ order: { id: orderId } });
    expect(await history?.()).toMatchObject({ entries: [{ type: 'OrderPlaced' }] });
    const { order } = await shop.as(ada).cancelOrder({ orderId: orderId.toUpperCase() });
    expect(order?.id).toBe(orderId);
  });

  test('nobody when there is none', async () => {
    for (const read of reads(shop.as(staff), newId())) expect(await refused(read())).toEqual(NOT_FOUND);
  });
});

describe('histories of many orders', () => {
  test('hold those that the caller may see, each as its own history', async () => {
    const [first, second] = [await shop.newOrder(ada), await shop.newOrder(ada)];
    await shop.reply(second, ...ALL_WELL);
    const guests = await shop.guest.placeOrder(shop.request());
    const ofGuest = guests.order?.id as string;
    const orders = [
      { orderId: first },
      { orderId: second },
      { orderId: await shop.newOrder({ id: newId(), role: 'customer' }) },
      { orderId: newId() },
      { orderId: ofGuest, accessToken: guests.accessToken },
    ];
    const { histories } = await shop.as(ada).getOrderHistories({ orders });
    expect(histories.map(({ orderId }) => orderId)).toEqual([first, second, ofGuest]);
    for (const { orderId, entries } of histories.slice(0, 2)) {
      expect(entries).toEqual((await shop.as(ada).getOrderHistory({ orderId })).entries);
    }
    expect((await shop.guest.getOrderHistories({ orders })).histories.map(({ orderId }) => orderId)).toEqual([ofGuest]);
  });

  test('are nothing where the caller may see none', async () => {
    const orders = [{ orderId: await shop.newOrder(ada) }];
    expect((await shop.as(bob).getOrderHistories({ orders })).histories).toEqual([]);
  });
});

test('an order tells how far its checkout is', async () => {
  const orderId = await shop.newOrder(ada);
  const step = async () => (await shop.as(ada).getOrder({ orderId })).order?.step;
  expect(await step()).toBe(OrderStep.RESERVING);
  const after: [Reply, OrderStep][] = [
    ['StockReserved', OrderStep.AUTHORIZING],
    ['PaymentAuthorized', OrderStep.COMMITTING_STOCK],
    ['StockCommitted', OrderStep.CAPTURING],
    ['PaymentCaptured', OrderStep.ARRANGING_SHIPMENT],
    ['ShipmentRefused', OrderStep.COMPENSATING],
    ['PaymentCancelled', OrderStep.COMPENSATING],
    ['StockReleased', OrderStep.DONE],
  ];
  for (const [reply, expected] of after) {
    await shop.reply(orderId, reply);
    expect([reply, await step()]).toEqual([reply, expected]);
  }
});

describe('the past', () => {
  test('is told as events, oldest first, and as the order of then', async () => {
    const orderId = await shop.newOrder(ada);
    await shop.reply(orderId, ...ALL_WELL);
    const { entries } = await shop.as(ada).getOrderHistory({ orderId });
    expect(entries.map(({ version, type, status }) => [version, type, status])).toEqual([
      [1n, 'OrderPlaced', OrderStatus.PENDING],
      [2n, 'OrderConfirmed', OrderStatus.CONFIRMED],
      [3n, 'OrderShipmentCreated', OrderStatus.CONFIRMED],
    ]);
    for (const { version, occurredAt, status } of entries) {
      // Times arrive in milliseconds while the store keeps microseconds: one later is certainly after the event.
      const then = timestampFromDate(
        new Date(timestampDate(occurredAt as NonNullable<typeof occurredAt>).getTime() + 1),
      );
      const { order } = await shop.as(ada).getOrder({ orderId, asOf: then });
      expect(order?.version).toBeGreaterThanOrEqual(version);
      if (order?.version === version) expect(order.status).toBe(status);
    }
    const last = await shop.as(ada).getOrder({ orderId, asOf: timestampFromDate(new Date()) });
    expect(last.order).toMatchObject({ version: 3n, trackingNumber: '003400011' });
  });

  test('is closed to others, and begins with the order', async () => {
    const orderId = await shop.newOrder(ada);
    const asOf = timestampFromDate(new Date());
    expect(await refused(shop.as(bob).getOrder({ orderId, asOf }))).toEqual(NOT_FOUND);
    const before = timestampFromDate(new Date(0));
    expect(await refused(shop.as(ada).getOrder({ orderId, asOf: before }))).toEqual(NOT_FOUND);
  });
});

describe('a customer’s list', () => {
  async function pages(first: number) {
    const ids: string[][] = [];
    for (let after = ''; ; ) {
      const { edges, pageInfo } = await shop.as(bob).listOrders({ page: { first, after } });
      ids.push(edges.map(({ order }) => order?.id as string));
      if (pageInfo?.hasNextPage !== true) return ids;
      after = pageInfo.endCursor;
    }
  }

  test('is empty for whoever ordered nothing, and takes a sign-in', async () => {
    expect(await shop.as(bob).listOrders({})).toMatchObject({ edges: [], pageInfo: { hasNextPage: false } });
    expect(await refused(shop.guest.listOrders({}))).toEqual(['Unauthenticated', 'SIGN_IN_REQUIRED']);
  });

  test('holds theirs alone, newest first, each once on its pages, also those of the same moment', async () => {
    const placed: string[] = [];
    for (const at of [1000, 2000, 2000, 2000, 3000]) {
      shop.state.stoppedAt = new Date(at);
      placed.push(await shop.newOrder(bob));
    }
    shop.state.stoppedAt = undefined;
    await shop.newOrder(ada);
    // Of the same moment the greater id comes first; ids rise with the time they were made.
    const newestFirst = placed.toReversed();
    for (const first of [1, 2, 3, 5, 100]) {
      const listed = await pages(first);
      expect(listed.flat()).toEqual(newestFirst);
      expect(listed.map((page) => page.length).every((length) => length > 0 && length <= first)).toBe(true);
    }
    const cursor = (await shop.as(bob).listOrders({ page: { first: 2 } })).pageInfo?.endCursor as string;
    await shop.newOrder(bob);
    const next = await shop.as(bob).listOrders({ page: { first: 2, after: cursor } });
    expect(next.edges.map(({ order }) => order?.id)).toEqual(newestFirst.slice(2, 4));
  });

  test('has 20 orders on a page unless asked otherwise', async () => {
    const carol = { id: newId(), role: 'customer' } as const;
    for (let n = 0; n < 21; n++) await shop.newOrder(carol);
    const { edges, pageInfo } = await shop.as(carol).listOrders({});
    expect([edges.length, pageInfo?.hasNextPage]).toEqual([20, true]);
  });
});

describe('contacts', () => {
  test('say where orders go and who hears of them; unknown orders are left out', async () => {
    const orderId = await shop.newOrder(ada);
    const { contacts } = await shop.guest.getContacts({ orderIds: [orderId, newId()] });
    expect(contacts).toMatchObject([{ orderId, customerId: ada.id, email: 'ada@example.org', address }]);
    expect(contacts[0]?.orderNumber).toBe((await shop.as(ada).getOrder({ orderId })).order?.number);
  });

  test('are not for users, not even for staff', async () => {
    const orderIds = [await shop.newOrder(ada)];
    for (const user of [ada, staff]) {
      expect(await refused(shop.as(user).getContacts({ orderIds }))).toEqual([
        'PermissionDenied',
        'CALLER_NOT_ALLOWED',
      ]);
    }
  });
});
