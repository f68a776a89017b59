// Orders whose customer must act at the bank (3-D Secure): the checkout waits for them, for so long and no longer.
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { sql } from '@stoa/chassis/postgres/sql';
import { OrderPaymentActionRequiredSchema } from '@stoa/proto/stoa/orders/v1/events_pb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId, type Orders, openOrders, REPLIES, staff } from './open-orders.ts';

const ASKED = ['OrderPlaced', 'ReserveStock', 'AuthorizePayment', 'OrderPaymentActionRequired'];

let shop: Orders;
beforeAll(async () => {
  shop = await openOrders({ STOA_PAYMENT_ACTION_SECONDS: '600' });
});
afterAll(() => shop.stop());

async function asked(): Promise<string> {
  const orderId = await shop.newOrder();
  await shop.reply(orderId, 'StockReserved', 'PaymentActionRequired');
  return orderId;
}

/** When the saga acts by itself, and whether it waits for somebody outside. */
const timerOf = (orderId: string) =>
  shop.db.one(sql<{ seconds: number; extended: boolean; at: string }>`
    select extract(epoch from wake_at - updated_at)::float8 as seconds, extended, wake_at::text as at
    from saga where saga_id = ${orderId}`);
const actionOf = async (orderId: string) => (await shop.as(staff).getOrder({ orderId })).order?.paymentAction;

test('the order stays pending, says until when the customer may act, and the checkout waits for that long', async () => {
  const before = Date.now();
  const orderId = await asked();
  expect(await shop.told(orderId)).toEqual(ASKED);
  expect(await shop.orderOf(orderId)).toMatchObject({ status: 'PENDING', reason: '', version: 2n });
  expect(await timerOf(orderId)).toMatchObject({ seconds: 630, extended: true });
  const expiresAt = (await actionOf(orderId))?.expiresAt;
  if (expiresAt === undefined) expect.fail('the order has no payment action');
  expect(timestampDate(expiresAt).getTime()).toBeGreaterThanOrEqual(before + 600_000);
  const event = (await shop.published(OrderPaymentActionRequiredSchema)).find((each) => each.orderId === orderId);
  expect(event).toMatchObject({ version: 2n, order: { version: 2n, paymentAction: { expiresAt } } });
});

test('who confirms has the order go on, with the usual deadlines, and nothing left to do', async () => {
  const orderId = await asked();
  await shop.reply(orderId, 'PaymentAuthorized');
  expect(await timerOf(orderId)).toMatchObject({ seconds: 120, extended: false });
  await shop.reply(orderId, 'StockCommitted', 'PaymentCaptured', 'ShipmentCreated');
  expect(await shop.orderOf(orderId)).toMatchObject({ status: 'CONFIRMED', version: 4n });
  expect(await actionOf(orderId)).toBeUndefined();
});

test('who fails gives the stock back, and the order says why', async () => {
  const orderId = await asked();
  await shop.deliverAll(REPLIES.PaymentDeclined(orderId, 'AUTHENTICATION_FAILED'));
  await shop.reply(orderId, 'StockReleased');
  expect(await shop.told(orderId)).toEqual([...ASKED, 'ReleaseStock', 'OrderRejected']);
  expect(await shop.orderOf(orderId)).toMatchObject({ status: 'REJECTED', reason: 'AUTHENTICATION_FAILED' });
  expect(await actionOf(orderId)).toBeUndefined();
});

test('who never comes back has the payment and the stock given back, for a reason of its own', async () => {
  const orderId = await asked();
  await shop.letTimePass(orderId);
  await Promise.all([1, 2].map(() => shop.runJob('checkout-timers')));
  expect(await shop.told(orderId)).toEqual([...ASKED, 'CancelPayment']);
  await shop.reply(orderId, 'PaymentCancelled', 'StockReleased');
  expect(await shop.orderOf(orderId)).toMatchObject({ status: 'REJECTED', reason: 'PAYMENT_ACTION_EXPIRED' });
  // The bank's word comes after all: payments voids or refuses it, and here nobody waits for it.
  await shop.reply(orderId, 'PaymentAuthorized', 'PaymentActionRequired');
  expect((await shop.orderOf(orderId)).status).toBe('REJECTED');
});

test('asked twice, or asked again by an operator, the customer has no more and no less time', async () => {
  const orderId = await asked();
  const { at } = await timerOf(orderId);
  await shop.reply(orderId, 'PaymentActionRequired');
  expect(await timerOf(orderId)).toMatchObject({ at, extended: true });
  await shop.db.run(sql`
    insert into operator_request (id, saga, saga_id, action, requested_by, why)
    values (${newId()}, 'checkout', ${orderId}, 'retry', 'test', 'to see')`);
  await shop.runJob('operator-requests');
  expect(await shop.told(orderId)).toEqual([...ASKED, 'AuthorizePayment']);
  const after = await timerOf(orderId);
  expect(after.extended).toBe(true);
  expect(after.seconds).toBeGreaterThan(600);
  expect(after.seconds).toBeLessThanOrEqual(60 + 630);
});

test('in one batch with its answer, and after the decision, it changes nothing but the order’s history', async () => {
  const orderId = await shop.newOrder();
  await shop.reply(orderId, 'StockReserved');
  await shop.deliver('orders.payments', [
    REPLIES.PaymentActionRequired(orderId),
    REPLIES.PaymentAuthorized(orderId),
    REPLIES.PaymentActionRequired(orderId),
  ]);
  expect(await shop.told(orderId)).toEqual([...ASKED, 'CommitStock']);
  expect(await timerOf(orderId)).toMatchObject({ seconds: 120, extended: false });
});

test('a customer who waits may still call the order off', async () => {
  const orderId = await asked();
  await shop.as(staff).cancelOrder({ orderId });
  await shop.reply(orderId, 'PaymentCancelled', 'StockReleased');
  expect(await shop.orderOf(orderId)).toMatchObject({ status: 'CANCELLED', reason: 'CUSTOMER_REQUEST' });
});

test('a process of the release before, which knows no extension, leaves the deadline where it is', async () => {
  const orderId = await asked();
  // It writes a move without the new column.
  await shop.db.run(sql`update saga set state = 'COMMITTING_STOCK', version = version + 1 where saga_id = ${orderId}`);
  await shop.db.run(sql`
    insert into saga_transition (saga_id, version, from_state, to_state, trigger_id)
    values (${orderId}, 4, 'AUTHORIZING', 'COMMITTING_STOCK', 'older')`);
  await shop.reply(orderId, 'StockCommitted');
  expect((await shop.sagaOf(orderId)).state).toBe('CAPTURING');
  expect(await timerOf(orderId)).toMatchObject({ seconds: 60, extended: false });
});
