// What an operator may ask of a stuck checkout, and what comes of it for the order.
import { sql } from '@stoa/chassis/postgres/sql';
import { requestMove } from '@stoa/chassis/saga/operator-requests';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALL_WELL, newId, type Orders, openOrders } from './open-orders.ts';

let shop: Orders;
beforeAll(async () => {
  shop = await openOrders();
});
afterAll(() => shop.stop());

/** Writes the request down, lets the job carry it out, and tells whether it was accepted and what it led to. */
async function ask(sagaId: string, action: 'retry' | 'compensate', forced = false) {
  const id = newId();
  await requestMove(shop.db, { id, saga: 'checkout', sagaId, action, forced, by: 'olga', why: 'a test' });
  await shop.runJob('operator-requests');
  const { accepted } = await shop.db.one(sql<{ accepted: boolean }>`
    select accepted from operator_request where id = ${id}`);
  return [accepted, (await shop.sagaOf(sagaId)).state, (await shop.told(sagaId)).at(-1)];
}

test('a command is sent again, before and after the pivot', async () => {
  const orderId = await shop.newOrder();
  expect(await ask(orderId, 'retry')).toEqual([true, 'RESERVING', 'ReserveStock']);
  await shop.reply(orderId, ...ALL_WELL.slice(0, 3));
  expect(await ask(orderId, 'retry')).toEqual([true, 'CAPTURING', 'CapturePayment']);
});

test('an order that is turned back before the pivot is rejected', async () => {
  const orderId = await shop.newOrder();
  expect(await ask(orderId, 'compensate')).toEqual([true, 'UNDOING_RESERVING', 'ReleaseStock']);
  await shop.reply(orderId, 'StockReleased');
  expect(await shop.orderOf(orderId)).toMatchObject({ status: 'REJECTED', reason: 'OPERATOR_DECISION' });
});

test('a capture is turned back by force only, and the payment settles what became of it', async () => {
  const orderId = await shop.newOrder();
  await shop.reply(orderId, ...ALL_WELL.slice(0, 3));
  expect(await ask(orderId, 'compensate')).toEqual([false, 'CAPTURING', 'CapturePayment']);
  expect(await ask(orderId, 'compensate', true)).toEqual([true, 'UNDOING_AUTHORIZING', 'CancelPayment']);
  // The capture's answer comes late and decides nothing any more.
  await shop.reply(orderId, 'PaymentCaptured', 'PaymentCancelled', 'StockReleased');
  expect(await shop.orderOf(orderId)).toMatchObject({ status: 'REJECTED', reason: 'OPERATOR_DECISION' });
});

test('a parcel that may be on its way is not called back, not even by force', async () => {
  const orderId = await shop.newOrder();
  await shop.reply(orderId, ...ALL_WELL.slice(0, 4));
  expect(await ask(orderId, 'compensate', true)).toEqual([false, 'ARRANGING_SHIPMENT', 'OrderConfirmed']);
});
