// What becomes of an order's stock, command by command.
import { sql } from '@stoa/chassis/postgres/sql';
import {
  ReservationState,
  StockCommittedSchema,
  StockReleasedSchema,
  StockReservationRefusedSchema,
  StockReservedSchema,
} from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { StockLevelChangedSchema } from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { commit, expectBalanced, newId, newSku, openScene, release, reserve, type Scene } from './scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await openScene();
});
afterEach(() => expectBalanced(scene.db));
afterAll(() => scene.stop());

test('a reserve holds all lines until the hold ends, and says until when', async () => {
  const [order, a, b] = [newId(), newSku(), newSku()];
  await scene.stock({ [a]: 5, [b]: 5 });
  await scene.deliver(reserve(order, { [a]: 2, [b]: 3 }, 600));
  expect([await scene.level(a), await scene.level(b)]).toEqual([
    [5, 2],
    [5, 3],
  ]);
  const answer = (await scene.service.published(StockReservedSchema)).find((m) => m.orderId === order);
  expect(answer?.reservation).toMatchObject({
    state: ReservationState.HELD,
    lines: [
      { sku: a, quantity: 2 },
      { sku: b, quantity: 3 },
    ],
  });
  const { seconds } = await scene.db.one(sql<{ seconds: number }>`
    select extract(epoch from expires_at - created_at)::float8 as seconds from reservation where order_id = ${order}`);
  expect(seconds).toBe(600);
});

test('an order that cannot be served wholly gets nothing and is told why', async () => {
  const [order, lost, a, b] = [newId(), newId(), newSku(), newSku()];
  await scene.stock({ [a]: 5, [b]: 1 });
  await scene.deliver(reserve(order, { [a]: 1, [b]: 2 }), reserve(lost, { [a]: 1, 'no-such-sku': 1 }));
  expect([await scene.level(a), await scene.level(b)]).toEqual([
    [5, 0],
    [1, 0],
  ]);
  const refusals = await scene.service.published(StockReservationRefusedSchema);
  expect(refusals.find((m) => m.orderId === order)).toMatchObject({ reason: 'INSUFFICIENT_STOCK', skus: [b] });
  expect(refusals.find((m) => m.orderId === lost)).toMatchObject({ reason: 'UNKNOWN_SKU', skus: ['no-such-sku'] });
});

test('a repeated command is answered by the same answer again and changes nothing', async () => {
  const [held, refused, sku] = [newId(), newId(), newSku()];
  await scene.stock({ [sku]: 3 });
  for (let time = 0; time < 3; time++) await scene.deliver(reserve(held, { [sku]: 2 }), reserve(refused, { [sku]: 2 }));
  expect(await scene.level(sku)).toEqual([3, 2]);
  expect(await scene.answers(held)).toEqual(['reserved', 'reserved', 'reserved']);
  expect(await scene.answers(refused)).toEqual(Array(3).fill('refused:INSUFFICIENT_STOCK'));
  for (let time = 0; time < 2; time++) await scene.deliver(commit(held));
  for (let time = 0; time < 2; time++) await scene.deliver(release(held));
  expect(await scene.level(sku)).toEqual([3, 0]);
  expect((await scene.answers(held)).slice(3)).toEqual([
    'committed',
    'committed',
    'released:RELEASED',
    'released:RELEASED',
  ]);
  const told = (await scene.service.published(StockReservedSchema)).filter((m) => m.orderId === held);
  expect(told[2]).toEqual(told[0]);
});

test('a refused order stays refused even when goods come in later', async () => {
  const [order, sku] = [newId(), newSku()];
  await scene.stock({ [sku]: 1 });
  await scene.deliver(reserve(order, { [sku]: 2 }));
  await scene.stock({ [sku]: 10 });
  await scene.deliver(reserve(order, { [sku]: 2 }));
  expect(await scene.answers(order)).toEqual(Array(2).fill('refused:INSUFFICIENT_STOCK'));
  expect(await scene.level(sku)).toEqual([11, 0]);
});

test('a release that overtakes its reserve leaves a tombstone: the late reserve holds nothing', async () => {
  const [order, sku] = [newId(), newSku()];
  await scene.stock({ [sku]: 5 });
  await scene.deliver(release(order));
  await scene.deliver(reserve(order, { [sku]: 1 }));
  expect(await scene.level(sku)).toEqual([5, 0]);
  expect(await scene.answers(order)).toEqual(['refused:ALREADY_RELEASED', 'released:RELEASED']);
});

test('a committed reservation has no end, and its release gives the units back', async () => {
  const [order, next, sku] = [newId(), newId(), newSku()];
  await scene.stock({ [sku]: 2 });
  await scene.deliver(reserve(order, { [sku]: 2 }));
  await scene.deliver(commit(order));
  const answer = (await scene.service.published(StockCommittedSchema)).find((m) => m.orderId === order);
  expect(answer?.reservation).toMatchObject({ state: ReservationState.COMMITTED, lines: [{ sku, quantity: 2 }] });
  expect(answer?.reservation?.expiresAt).toBeUndefined();
  expect(await scene.level(sku)).toEqual([2, 2]);
  await scene.deliver(release(order), reserve(next, { [sku]: 2 }));
  expect(await scene.level(sku)).toEqual([2, 2]);
  expect(await scene.answers(next)).toEqual(['reserved']);
  const given = (await scene.service.published(StockReleasedSchema)).find((m) => m.orderId === order);
  expect(given?.reservation).toMatchObject({ state: ReservationState.RELEASED, lines: [{ sku, quantity: 2 }] });
});

test('a commit of what is not held is refused', async () => {
  const [unknown, gone, refused, sku] = [newId(), newId(), newId(), newSku()];
  await scene.stock({ [sku]: 1 });
  await scene.deliver(reserve(gone, { [sku]: 1 }), reserve(refused, { [sku]: 5 }));
  await scene.deliver(release(gone));
  await scene.deliver(commit(unknown), commit(gone), commit(refused));
  expect(await scene.answers(unknown)).toEqual(['commit-refused:NOT_HELD']);
  expect((await scene.answers(gone)).slice(1)).toEqual(['commit-refused:NOT_HELD', 'released:RELEASED']);
  expect((await scene.answers(refused)).slice(1)).toEqual(['commit-refused:NOT_HELD']);
});

test('one batch may carry an order from reserve to release beside others', async () => {
  const [through, kept, early, sku] = [newId(), newId(), newId(), newSku()];
  await scene.stock({ [sku]: 10 });
  await scene.deliver(
    reserve(through, { [sku]: 4 }),
    release(early),
    commit(through),
    reserve(kept, { [sku]: 5 }),
    release(through),
    reserve(early, { [sku]: 1 }),
  );
  expect(await scene.answers(through)).toEqual(['reserved', 'committed', 'released:RELEASED']);
  expect(await scene.answers(kept)).toEqual(['reserved']);
  expect(await scene.answers(early)).toEqual(['refused:ALREADY_RELEASED', 'released:RELEASED']);
  expect(await scene.level(sku)).toEqual([10, 5]);
});

test('a batch tells the new level of a SKU once, and its versions rise by one', async () => {
  const [hot, cold] = [newSku(), newSku()];
  await scene.stock({ [hot]: 10, [cold]: 10 });
  const orders = [newId(), newId(), newId()];
  await scene.deliver(...orders.map((order) => reserve(order, { [hot]: 2 })));
  await scene.deliver(...orders.map((order) => release(order)));
  const told = (await scene.service.published(StockLevelChangedSchema)).filter((m) => m.sku === hot || m.sku === cold);
  expect(told.map((m) => [m.sku, m.version, m.onHand, m.reserved, m.available])).toEqual(
    [
      [hot, 1n, 10n, 0n, 10n],
      [cold, 1n, 10n, 0n, 10n],
      [hot, 2n, 10n, 6n, 4n],
      [hot, 3n, 10n, 0n, 10n],
    ].sort((a, b) => Number(a[1] as bigint) - Number(b[1] as bigint)),
  );
});

test('an answer is caused by its command', async () => {
  const [order, sku] = [newId(), newSku()];
  await scene.stock({ [sku]: 1 });
  const command = reserve(order, { [sku]: 1 });
  await scene.deliver(command);
  const caused = await scene.db.rows(sql<{ type: string }>`
    select type from outbox where causation_id = ${command.eventId} order by type`);
  expect(caused.map((row) => row.type)).toEqual([StockLevelChangedSchema.typeName, StockReservedSchema.typeName]);
});
