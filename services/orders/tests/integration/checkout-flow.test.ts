// The checkout as its participants see it: replies go in through the real consumers, commands and events come out.
import { create, toBinary } from '@bufbuild/protobuf';
import { handleRecords, wantedOf } from '@stoa/chassis/events/apply';
import type { TopicRecord } from '@stoa/chassis/events/envelope';
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { received } from '@stoa/chassis/testing/test-service';
import { ReserveStockSchema } from '@stoa/proto/stoa/inventory/v1/commands_pb';
import { StockReservedSchema } from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { AuthorizePaymentSchema } from '@stoa/proto/stoa/payments/v1/commands_pb';
import { CreateShipmentSchema } from '@stoa/proto/stoa/shipping/v1/commands_pb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { followInventory } from '../../src/saga/advance.ts';
import { ALL_WELL, eur, newId, type Orders, openOrders, REPLIES, type Reply, staff } from './open-orders.ts';

let shop: Orders;
beforeAll(async () => {
  shop = await openOrders();
});
afterAll(() => shop.stop());

const UNTIL_PLACED = ['OrderPlaced', 'ReserveStock'];
const UNTIL_AUTHORIZING = [...UNTIL_PLACED, 'AuthorizePayment'];
const UNTIL_COMMITTING = [...UNTIL_AUTHORIZING, 'CommitStock'];
const UNTIL_CAPTURING = [...UNTIL_COMMITTING, 'CapturePayment'];
const UNTIL_SHIPPING = [...UNTIL_CAPTURING, 'CreateShipment', 'OrderConfirmed'];

test('when all goes well the order is confirmed, then shipped', async () => {
  const orderId = await shop.newOrder();
  await shop.reply(orderId, ...ALL_WELL);
  expect(await shop.told(orderId)).toEqual([...UNTIL_SHIPPING, 'OrderShipmentCreated']);
  expect(await shop.orderOf(orderId)).toEqual({
    status: 'CONFIRMED',
    reason: '',
    version: 3n,
    trackingNumber: '003400011',
  });
  expect(await shop.sagaOf(orderId)).toMatchObject({ state: 'COMPLETED', version: 6 });
});

test('each participant is told what it needs, and what a command causes names the reply it came from', async () => {
  const orderId = await shop.newOrder();
  const eventId = newId();
  await shop.deliverAll(received(StockReservedSchema, { orderId }, { eventId }));
  await shop.reply(orderId, 'PaymentAuthorized', 'StockCommitted', 'PaymentCaptured');
  const ofOrder = <T extends { orderId: string }>(list: T[]) => list.find((message) => message.orderId === orderId);
  expect(ofOrder(await shop.published(AuthorizePaymentSchema))).toMatchObject({
    amount: eur(4488n),
    paymentMethodId: 'card',
    paymentToken: 'tok_approve',
  });
  expect(ofOrder(await shop.published(CreateShipmentSchema))).toMatchObject({ methodId: 'standard' });
  const caused = (await shop.outbox()).filter(({ causationId }) => causationId === eventId);
  expect(caused).toMatchObject([{ type: AuthorizePaymentSchema.typeName, aggregateId: orderId }]);
});

/** A refusal at every step: what went before, what is then sent, and how the order ends once that is answered. */
const REFUSALS: [Reply, readonly Reply[], string[], readonly Reply[], object][] = [
  [
    'StockReservationRefused',
    [],
    [...UNTIL_PLACED, 'OrderRejected'],
    [],
    { status: 'REJECTED', reason: 'INSUFFICIENT_STOCK' },
  ],
  [
    'PaymentDeclined',
    ALL_WELL.slice(0, 1),
    [...UNTIL_AUTHORIZING, 'ReleaseStock', 'OrderRejected'],
    ['StockReleased'],
    { status: 'REJECTED', reason: 'CARD_DECLINED' },
  ],
  [
    'StockCommitRefused',
    ALL_WELL.slice(0, 2),
    [...UNTIL_COMMITTING, 'CancelPayment', 'ReleaseStock', 'OrderRejected'],
    ['PaymentCancelled', 'StockReleased'],
    { status: 'REJECTED', reason: 'HOLD_EXPIRED' },
  ],
  [
    'PaymentCaptureFailed',
    ALL_WELL.slice(0, 3),
    [...UNTIL_CAPTURING, 'CancelPayment', 'ReleaseStock', 'OrderRejected'],
    ['PaymentCancelled', 'StockReleased'],
    { status: 'REJECTED', reason: 'CAPTURE_REFUSED' },
  ],
  [
    'ShipmentRefused',
    ALL_WELL.slice(0, 4),
    [...UNTIL_SHIPPING, 'CancelPayment', 'ReleaseStock', 'OrderCancelled'],
    ['PaymentCancelled', 'StockReleased'],
    { status: 'CANCELLED', reason: 'UNKNOWN_METHOD', version: 3n },
  ],
];

test.each(REFUSALS)('%s undoes what was done, no more and no less', async (refusal, before, told, undone, end) => {
  const orderId = await shop.newOrder();
  await shop.reply(orderId, ...before, refusal);
  if (undone.length > 0) expect((await shop.sagaOf(orderId)).state).toMatch(/^UNDOING_/);
  await shop.reply(orderId, ...undone);
  expect(await shop.told(orderId)).toEqual(told);
  expect(await shop.orderOf(orderId)).toMatchObject(end);
  expect((await shop.sagaOf(orderId)).state).toBe('COMPENSATED');
});

describe('replies', () => {
  test('delivered twice, or again long after, change nothing', async () => {
    const orderId = await shop.newOrder();
    for (const name of ALL_WELL) {
      const reply = REPLIES[name](orderId);
      const twice = { ...reply, eventId: newId() };
      await shop.deliverAll(twice, twice);
    }
    const [told, saga] = [await shop.told(orderId), await shop.sagaOf(orderId)];
    await shop.reply(orderId, ...(Object.keys(REPLIES) as Reply[]));
    expect([await shop.told(orderId), await shop.sagaOf(orderId)]).toEqual([told, saga]);
    expect(told).toEqual([...UNTIL_SHIPPING, 'OrderShipmentCreated']);
  });

  test('that come too late, after the step was given up, change nothing', async () => {
    const orderId = await shop.newOrder();
    await shop.letTimePass(orderId);
    await shop.runJob('checkout-timers');
    await shop.reply(orderId, 'StockReserved', 'StockReservationRefused');
    expect(await shop.told(orderId)).toEqual([...UNTIL_PLACED, 'ReleaseStock']);
    await shop.reply(orderId, 'StockReleased');
    expect(await shop.orderOf(orderId)).toMatchObject({ status: 'REJECTED', reason: 'RESERVING_TIMED_OUT' });
  });

  test('for an order that nobody knows are passed over, and the rest of the batch is not', async () => {
    const [known, unknown] = [await shop.newOrder(), newId()];
    await shop.deliver('orders.inventory', [REPLIES.StockReserved(unknown), REPLIES.StockReserved(known)]);
    expect((await shop.sagaOf(known)).state).toBe('AUTHORIZING');
    expect(await shop.told(unknown)).toEqual([]);
  });

  test('of one order in one batch count in their order', async () => {
    const orderId = await shop.newOrder();
    await shop.deliver('orders.inventory', [
      REPLIES.StockReserved(orderId),
      REPLIES.StockCommitted(orderId),
      REPLIES.StockReleased(orderId, 'EXPIRED'),
    ]);
    // Only the first was awaited: the payment was not authorized yet.
    expect((await shop.sagaOf(orderId)).state).toBe('AUTHORIZING');
  });

  test('256 of them cost as many statements as one, and move as many orders', async () => {
    const orderIds = await Promise.all(Array.from({ length: 256 }, () => shop.newOrder()));
    const one = await statementsFor([await shop.newOrder()]);
    expect(await statementsFor(orderIds)).toBe(one);
    expect(one).toBe(4);
    const { moved } = await shop.db.one(sql<{ moved: bigint }>`
      select count(*) as moved from saga join orders on id = saga_id
      where saga_id = any(${orderIds}::uuid[]) and saga.state = 'COMPENSATED' and status = 'REJECTED'`);
    expect(moved).toBe(256n);
  });
});

/** Statements that a batch of StockReservationRefused costs, besides the outbox' own at the commit. */
async function statementsFor(orderIds: readonly string[]): Promise<number> {
  const records = orderIds.map((orderId, index): TopicRecord => {
    const { schema, message } = REPLIES.StockReservationRefused(orderId);
    return {
      sequence: BigInt(index + 1),
      eventId: newId(),
      type: schema.typeName,
      aggregateId: orderId,
      aggregateVersion: 0n,
      payload: toBinary(schema, create(schema, message)),
      occurredAt: new Date(0),
      traceparent: '',
      causationId: '',
      canary: '',
    };
  });
  const wanted = records.flatMap((record) => wantedOf(followInventory, record) ?? []);
  let statements = 0;
  await shop.context.db.transact(async (tx) => {
    const counted = <A, R>(run: (a: A) => R) => {
      return (a: A) => {
        statements++;
        return run(a);
      };
    };
    const watched = {
      ...tx,
      rows: counted(tx.rows),
      one: counted(tx.one),
      maybe: counted(tx.maybe),
      run: counted(tx.run),
    };
    await handleRecords(watched as Tx, followInventory, wanted, shop.context);
  });
  return statements;
}

describe('timers', () => {
  test('fire once: what is given up before the pivot is undone', async () => {
    const orderId = await shop.newOrder();
    await shop.reply(orderId, 'StockReserved');
    await shop.letTimePass(orderId);
    await Promise.all([1, 2, 3].map(() => shop.runJob('checkout-timers')));
    await shop.runJob('checkout-timers');
    expect(await shop.told(orderId)).toEqual([...UNTIL_AUTHORIZING, 'CancelPayment']);
    await shop.reply(orderId, 'PaymentCancelled', 'StockReleased');
    expect(await shop.orderOf(orderId)).toMatchObject({ status: 'REJECTED', reason: 'AUTHORIZING_TIMED_OUT' });
  });

  test('ask again from the pivot on, and while undoing, for as long as it takes', async () => {
    const orderId = await shop.newOrder();
    await shop.reply(orderId, ...ALL_WELL.slice(0, 3));
    for (let time = 0; time < 3; time++) {
      await shop.letTimePass(orderId);
      await shop.runJob('checkout-timers');
    }
    expect(await shop.told(orderId)).toEqual([...UNTIL_CAPTURING, ...Array(3).fill('CapturePayment')]);
    expect(await shop.sagaOf(orderId)).toMatchObject({ state: 'CAPTURING', attempts: 4 });
    await shop.reply(orderId, 'PaymentCaptureFailed');
    await shop.letTimePass(orderId);
    await shop.runJob('checkout-timers');
    expect((await shop.told(orderId)).slice(-2)).toEqual(['CancelPayment', 'CancelPayment']);
  });

  test('of finished orders never fire', async () => {
    const orderId = await shop.newOrder();
    await shop.reply(orderId, 'StockReservationRefused');
    const { wake_at } = await shop.db.one(sql<{ wake_at: Date | null }>`
      select wake_at from saga where saga_id = ${orderId}`);
    expect(wake_at).toBeNull();
  });

  test('that are due beyond one run are said to be more, also when they only ask again', async () => {
    const orderIds = await Promise.all(Array.from({ length: 101 }, () => shop.newOrder()));
    for (const orderId of orderIds) await shop.as(staff).cancelOrder({ orderId });
    await shop.letTimePass(...orderIds);
    expect(await shop.runJob('checkout-timers')).toBe(true);
    expect(await shop.runJob('checkout-timers')).toBe(false);
    const asked = (await shop.outbox()).filter(({ type }) => type.endsWith('.ReleaseStock'));
    const again = asked.filter(({ aggregateId }) => orderIds.includes(aggregateId));
    expect(again).toHaveLength(2 * 101);
  });
});

test('an order that a step’s participant keeps without an answer calls for a person after 15 minutes', async () => {
  const orderId = await shop.newOrder();
  await shop.reply(orderId, ...ALL_WELL.slice(0, 3));
  await shop.db.run(sql`
    update saga set entered_at = now() - interval '15 minutes', wake_at = now() where saga_id = ${orderId}`);
  await shop.runJob('checkout-timers');
  const task = () =>
    shop.db.rows(sql<{ kind: string }>`select kind from manual_task where saga_id = ${orderId} and decided_at is null`);
  expect(await task()).toEqual([{ kind: 'CAPTURING' }]);
  await shop.letTimePass(orderId);
  await shop.runJob('checkout-timers');
  expect(await task()).toHaveLength(1);
  expect((await shop.told(orderId)).filter((type) => type === 'CapturePayment')).toHaveLength(3);
});

test('the stream of an order is dense in versions, whatever happened', async () => {
  const { gaps } = await shop.db.one(sql<{ gaps: bigint }>`
    select count(*) as gaps from (
      select o.version, count(b.*) as events, max(b.aggregate_version) as last
      from orders o join outbox b on b.aggregate_id = o.id::text and b.topic = 'orders.events'
      group by o.id) as s
    where events <> version or last <> version`);
  expect(gaps).toBe(0n);
  expect((await shop.published(ReserveStockSchema)).length).toBeGreaterThan(256);
});
