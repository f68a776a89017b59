// Whatever cannot be read is refused before anything is asked or stored, and every field at fault is named.
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { violationsOf } from '@stoa/chassis/rpc/errors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ada, eur, newId, type Orders, openOrders, refusal } from './open-orders.ts';

let shop: Orders;
beforeAll(async () => {
  shop = await openOrders();
});
afterAll(() => shop.stop());

const fieldsOf = async (call: Promise<unknown>) => [
  ...new Set(violationsOf(await refusal(call)).map(({ field }) => field)),
];

const valid = {
  cartId: newId(),
  idempotencyKey: 'a-key-of-mine',
  paymentMethodId: 'card',
  paymentToken: 'tok_approve',
};
const BAD_ORDERS: [string, object][] = [
  ['cart_id', { cartId: '' }],
  ['cart_id', { cartId: 'mine' }],
  ['idempotency_key', { idempotencyKey: 'seven77' }],
  ['idempotency_key', { idempotencyKey: 'k'.repeat(201) }],
  ['idempotency_key', { idempotencyKey: 'with a space' }],
  ['idempotency_key', { idempotencyKey: 'with-an-ümlaut' }],
  ['payment_method_id', { paymentMethodId: '' }],
  ['payment_method_id', { paymentMethodId: 'm'.repeat(101) }],
  ['payment_token', { paymentToken: '' }],
  ['payment_token', { paymentToken: 't'.repeat(501) }],
  ['payment_token', { paymentToken: 'nul\0' }],
  ['wait_ms', { waitMs: 5001 }],
  ['expected_total.currency', { expectedTotal: { currency: 'euro', minor: 1n } }],
  ['expected_total.minor', { expectedTotal: eur(-1n) }],
];

describe('PlaceOrder', () => {
  test.each(BAD_ORDERS)('refuses a bad %s: %o', async (field, over) => {
    expect(await fieldsOf(shop.guest.placeOrder({ ...valid, ...over }))).toEqual([field]);
  });

  test('names all that is wrong at once', async () => {
    const all = { cartId: '', idempotencyKey: '', paymentMethodId: '', paymentToken: '', waitMs: 9999 };
    expect(await fieldsOf(shop.guest.placeOrder({ ...all, expectedTotal: { currency: '', minor: -1n } }))).toEqual(
      ['cart_id', 'idempotency_key', 'payment_method_id', 'payment_token', 'wait_ms'].concat(
        'expected_total.currency',
        'expected_total.minor',
      ),
    );
  });

  test('asks nobody about what it cannot read', async () => {
    const before = shop.state.checkouts;
    await fieldsOf(shop.guest.placeOrder({ ...valid, cartId: 'mine' }));
    expect(shop.state.checkouts).toBe(before);
  });
});

describe('every method that takes an order id', () => {
  test.each(['', 'mine', `${newId()}0`])('refuses the id %o', async (orderId) => {
    for (const call of [shop.guest.getOrder, shop.guest.getOrderHistory, shop.guest.cancelOrder]) {
      expect(await fieldsOf(call({ orderId }))).toEqual(['order_id']);
    }
  });
});

test('GetOrderHistories takes 1 to 100 order ids', async () => {
  const fieldsFor = (ids: string[]) =>
    fieldsOf(shop.guest.getOrderHistories({ orders: ids.map((orderId) => ({ orderId })) }));
  expect(await fieldsFor([])).toEqual(['orders']);
  expect(await fieldsFor(Array.from({ length: 101 }, newId))).toEqual(['orders']);
  expect(await fieldsFor([newId(), 'mine'])).toEqual(['orders[1].order_id']);
});

test('a time outside of what a timestamp may be is refused', async () => {
  const orderId = await shop.newOrder(ada);
  const seconds = [-62_135_596_801n, 253_402_300_800n, -8_640_000_000_000n, 9_000_000_000_000_000n];
  for (const value of seconds) {
    const asOf = { seconds: value, nanos: 0 };
    expect(await fieldsOf(shop.as(ada).getOrder({ orderId, asOf }))).toEqual(['as_of']);
  }
  const now = timestampFromDate(new Date());
  expect((await shop.as(ada).getOrder({ orderId, asOf: now })).order?.id).toBe(orderId);
});

test('a page must have 1 to 100 orders, and go on from a cursor of the list', async () => {
  const list = (page: { first?: number; after?: string }) => shop.as(ada).listOrders({ page });
  expect(await fieldsOf(list({ first: 101 }))).toEqual(['page.first']);
  const id = newId();
  const cursors = [
    'nonsense',
    `2026-01-01T00:00:00.000Z ${'-'.repeat(36)}`,
    `2026-13-01T00:00:00.000Z ${id}`,
    `-271821-04-20T00:00:00.000Z ${id}`,
    `+275760-09-13T00:00:00.000Z ${id}`,
    `2026-01-01T00:00:00.000Z ${id} and more`,
  ];
  for (const cursor of cursors) {
    expect(await fieldsOf(list({ after: Buffer.from(cursor).toString('base64url') }))).toEqual(['page.after']);
  }
});

test('contacts are given for 1 to 200 orders, and each bad id is named', async () => {
  const contacts = (orderIds: string[]) => shop.guest.getContacts({ orderIds });
  expect(await fieldsOf(contacts([]))).toEqual(['order_ids']);
  expect(await fieldsOf(contacts(Array.from({ length: 201 }, newId)))).toEqual(['order_ids']);
  expect(await fieldsOf(contacts([newId(), 'x', newId(), '']))).toEqual(['order_ids[1]', 'order_ids[3]']);
});
