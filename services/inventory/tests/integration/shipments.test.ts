// What becomes of an order's stock when its goods leave the warehouse.
import { sql } from '@stoa/chassis/postgres/sql';
import {
  ReservationState,
  StockCommittedSchema,
  StockReservedSchema,
} from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { StockLevelChangedSchema } from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { commit, expectBalanced, newId, newSku, openScene, release, reserve, type Scene, shipped } from './scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await openScene({}, 'silent');
});
afterEach(() => expectBalanced(scene.db));
afterAll(() => scene.stop());

const ship = (...orders: string[]) => scene.service.deliver('inventory.shipments', orders.map(shipped));
const stateOf = async (order: string) => {
  const row = await scene.db.maybe(sql<{ state: string }>`select state from reservation where order_id = ${order}`);
  return row?.state;
};

async function committed(lines: Readonly<Record<string, number>>): Promise<string> {
  const order = newId();
  await scene.deliver(reserve(order, lines));
  await scene.deliver(commit(order));
  return order;
}

test('what was committed is booked out; as much is available as before, so nothing is told', async () => {
  const [a, b] = [newSku(), newSku()];
  await scene.stock({ [a]: 10, [b]: 5 });
  const [first, second] = [await committed({ [a]: 2, [b]: 5 }), await committed({ [a]: 3 })];
  await ship(first, second);
  expect([await scene.level(a), await scene.level(b)]).toEqual([
    [5, 0],
    [0, 0],
  ]);
  expect([await stateOf(first), await stateOf(second)]).toEqual(['SHIPPED', 'SHIPPED']);
  const told = (await scene.service.published(StockLevelChangedSchema)).filter(({ sku }) => sku === a);
  expect(told.map(({ version, onHand, available }) => [version, onHand, available])).toEqual([
    [1n, 10n, 10n],
    [2n, 10n, 8n],
    [3n, 10n, 5n],
  ]);
});

test('a shipment that is told again books nothing out', async () => {
  const sku = newSku();
  await scene.stock({ [sku]: 10 });
  const order = await committed({ [sku]: 2 });
  await ship(order);
  await ship(order);
  expect(await scene.level(sku)).toEqual([8, 0]);
});

test('goods that were shipped leave room for a count in the warehouse', async () => {
  const sku = newSku();
  await scene.stock({ [sku]: 3 });
  await ship(await committed({ [sku]: 2 }));
  // One is broken: with the shipped ones still promised it could not be booked out.
  await scene.stock({ [sku]: -1 });
  expect(await scene.level(sku)).toEqual([0, 0]);
});

test('a receipt may have the id of an order', async () => {
  const sku = newSku();
  await scene.stock({ [sku]: 3 });
  const order = await committed({ [sku]: 2 });
  await ship(order);
  await scene.client.receiveStock({ receiptId: order, lines: [{ sku, quantity: 2n }] });
  expect(await scene.level(sku)).toEqual([3, 0]);
});

test('commands about a shipped order are answered as before, and give nothing back', async () => {
  const sku = newSku();
  await scene.stock({ [sku]: 3 });
  const order = await committed({ [sku]: 2 });
  await ship(order);
  await scene.deliver(reserve(order, { [sku]: 2 }));
  await scene.deliver(commit(order));
  await scene.deliver(release(order));
  expect(await scene.answers(order)).toEqual(['reserved', 'reserved', 'committed', 'committed', 'released:RELEASED']);
  const again = (await scene.service.published(StockReservedSchema)).filter(({ orderId }) => orderId === order).at(-1);
  const still = (await scene.service.published(StockCommittedSchema)).filter(({ orderId }) => orderId === order).at(-1);
  expect(again?.reservation?.state).toBe(ReservationState.SHIPPED);
  expect(still?.reservation).toMatchObject({ state: ReservationState.SHIPPED, lines: [{ sku, quantity: 2 }] });
  expect(await scene.level(sku)).toEqual([1, 0]);
});

test('nothing is booked out for an order that has nothing committed', async () => {
  const sku = newSku();
  await scene.stock({ [sku]: 9 });
  const [held, gone, unknown, good] = [newId(), newId(), newId(), await committed({ [sku]: 1 })];
  await scene.deliver(reserve(held, { [sku]: 2 }), reserve(gone, { [sku]: 2 }));
  await scene.deliver(release(gone));
  await ship(held, gone, unknown, good);
  expect(await scene.level(sku)).toEqual([8, 2]);
  expect(await Promise.all([held, gone, unknown, good].map(stateOf))).toEqual([
    'HELD',
    'RELEASED',
    undefined,
    'SHIPPED',
  ]);
});
