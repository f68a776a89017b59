// Holds that end. A hold of 0 seconds is overdue for every later transaction, so most tests need not wait.
import { sql } from '@stoa/chassis/postgres/sql';
import { ReservationState, StockReleasedSchema } from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { commitStock } from '../../src/api/commit-stock.ts';
import { commit, expectBalanced, newId, newSku, openScene, release, reserve, type Scene } from './scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await openScene({ INVENTORY_EXPIRE_CHUNK: '10' });
});
afterEach(() => expectBalanced(scene.db));
afterAll(() => scene.stop());

const expire = () => scene.service.runJob('expire-holds');

test('a hold past its end gives its units back to others and says so unasked', async () => {
  const [order, next, sku] = [newId(), newId(), newSku()];
  await scene.stock({ [sku]: 2 });
  await scene.deliver(reserve(order, { [sku]: 2 }, 0));
  await expire();
  expect(await scene.level(sku)).toEqual([2, 0]);
  const told = (await scene.service.published(StockReleasedSchema)).filter((m) => m.orderId === order);
  expect(told).toMatchObject([{ reason: 'EXPIRED', reservation: { state: ReservationState.RELEASED } }]);
  await scene.deliver(reserve(next, { [sku]: 2 }));
  expect(await scene.answers(next)).toEqual(['reserved']);
});

test('holds that have not ended, and what is committed, stay', async () => {
  const [waiting, bought, sku] = [newId(), newId(), newSku()];
  await scene.stock({ [sku]: 2 });
  await scene.deliver(reserve(waiting, { [sku]: 1 }, 900), reserve(bought, { [sku]: 1 }, 900));
  await scene.deliver(commit(bought));
  await expire();
  expect(await scene.level(sku)).toEqual([2, 2]);
});

test('a commit, release or reserve after the end is answered by what happened', async () => {
  const [order, sku] = [newId(), newSku()];
  await scene.stock({ [sku]: 1 });
  await scene.deliver(reserve(order, { [sku]: 1 }, 0));
  await expire();
  await scene.deliver(commit(order), release(order), reserve(order, { [sku]: 1 }));
  expect(await scene.answers(order)).toEqual([
    'reserved',
    'refused:ALREADY_RELEASED',
    'commit-refused:HOLD_EXPIRED',
    'released:EXPIRED',
    'released:EXPIRED',
  ]);
  expect(await scene.level(sku)).toEqual([1, 0]);
});

test('a commit past the end is refused even before the units went back; a release gives them back', async () => {
  const [order, sku] = [newId(), newSku()];
  await scene.stock({ [sku]: 1 });
  await scene.deliver(reserve(order, { [sku]: 1 }, 0));
  await scene.deliver(commit(order));
  expect(scene.service.woken()).toEqual(['expire-holds']);
  await scene.deliver(release(order));
  expect((await scene.answers(order)).slice(1)).toEqual(['commit-refused:HOLD_EXPIRED', 'released:RELEASED']);
  expect(await scene.level(sku)).toEqual([1, 0]);
});

/** The hold ends at this moment: after the first moment of any transaction that is open, which is its now(). */
const endHold = (order: string) =>
  scene.db.run(sql`update reservation set expires_at = clock_timestamp() where order_id = ${order}`);

test('a commit that began before the end but comes after the expiry is refused', async () => {
  const [order, sku] = [newId(), newSku()];
  await scene.stock({ [sku]: 1 });
  await scene.deliver(reserve(order, { [sku]: 1 }, 60));
  await scene.db.transact(async (tx) => {
    await tx.run(sql`select now()`);
    await endHold(order);
    await expire();
    await commitStock(tx, [commit(order)], scene.context);
  });
  expect((await scene.answers(order)).slice(1)).toEqual(['commit-refused:HOLD_EXPIRED', 'released:EXPIRED']);
  expect(await scene.level(sku)).toEqual([1, 0]);
});

test('a commit before the end wins over an expiry that comes while it is still open', async () => {
  const [order, sku] = [newId(), newSku()];
  await scene.stock({ [sku]: 1 });
  await scene.deliver(reserve(order, { [sku]: 1 }, 60));
  let expiring: Promise<boolean> | undefined;
  await scene.db.transact(async (tx) => {
    await tx.run(sql`select now()`);
    await endHold(order);
    await commitStock(tx, [commit(order)], scene.context);
    expiring = expire(); // Waits at the gate until the commit is done.
    await tx.run(sql`select pg_sleep(0.1)`);
  });
  await expiring;
  expect(await scene.answers(order)).toEqual(['reserved', 'committed']);
  expect(await scene.level(sku)).toEqual([1, 1]);
});

test('many holds end in bounded chunks, each once, whoever else is at it', async () => {
  const [a, b] = [newSku(), newSku()];
  await scene.stock({ [a]: 25, [b]: 25 });
  const orders = Array.from({ length: 25 }, newId);
  await scene.deliver(
    ...orders.map((order, i) => reserve(order, i % 2 === 0 ? { [a]: 1, [b]: 1 } : { [b]: 1, [a]: 1 }, 0)),
  );
  const runs = await Promise.all([expire(), expire()]);
  expect(runs).toEqual([true, true]);
  expect(await scene.level(a)).toEqual([25, 5]);
  expect(await expire()).toBe(false);
  const told = (await scene.service.published(StockReleasedSchema)).filter((m) => orders.includes(m.orderId));
  expect(told.map((m) => m.orderId).sort()).toEqual(orders);
  expect([await scene.level(a), await scene.level(b)]).toEqual([
    [25, 0],
    [25, 0],
  ]);
});
