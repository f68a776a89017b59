// Many orders, few units, and everybody at once.
import type { Queryable, Tx } from '@stoa/chassis/postgres/database';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { commitStock } from '../../src/api/commit-stock.ts';
import { expireHolds } from '../../src/api/expire-holds.ts';
import { releaseStock } from '../../src/api/release-stock.ts';
import { reserveStock } from '../../src/api/reserve-stock.ts';
import {
  type Command,
  commit,
  expectBalanced,
  newId,
  newSku,
  openScene,
  release,
  reserve,
  type Scene,
  watchRetries,
} from './scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await openScene();
});
afterEach(() => expectBalanced(scene.db));
afterAll(() => scene.stop());

const orders = (count: number) => Array.from({ length: count }, newId);

test('of 400 orders for a hot SKU with 200 units exactly 200 are served', async () => {
  const sku = newSku();
  await scene.stock({ [sku]: 200 });
  const all = orders(400);
  await scene.deliver(...all.slice(0, 256).map((order) => reserve(order, { [sku]: 1 })));
  await scene.deliver(...all.slice(256).map((order) => reserve(order, { [sku]: 1 })));
  expect(await scene.level(sku)).toEqual([200, 200]);
  expect(await scene.answers(all[199] as string)).toEqual(['reserved']);
  expect(await scene.answers(all[200] as string)).toEqual(['refused:INSUFFICIENT_STOCK']);
});

test('consumers that meet, receipts and expiry at the same time neither deadlock nor lose a unit', async () => {
  const skus = Array.from({ length: 6 }, newSku);
  await scene.stock(Object.fromEntries(skus.map((sku) => [sku, 40])));
  const { context, client, retries } = watchRetries(scene.context);
  const skuAt = (index: number) => skus[index % skus.length] as string;
  const consumer = async (stride: number) => {
    for (let round = 0; round < 8; round++) {
      const batch = orders(12).map((order, i) =>
        reserve(order, { [skuAt(i * 5 + round)]: 1, [skuAt(i * 5 + round + stride)]: 1 }, i % 3 === 0 ? 0 : 900),
      );
      // Like a batch of the topic: several handlers in one transaction, each with rows in an order of its own.
      await context.db.transact(async (tx) => {
        for (const part of [batch.slice(0, 4), batch.slice(4, 8), batch.slice(8)]) {
          await reserveStock(tx, part, context);
          const leaving = part.slice(2).map((command) => release(command.message.orderId));
          await releaseStock(tx, leaving, context);
        }
      });
    }
  };
  const receipts = async (list: readonly string[]) => {
    for (let round = 0; round < 20; round++) {
      const lines = [...list, newSku()].map((sku) => ({ sku, quantity: 1n }));
      await client.receiveStock({ receiptId: newId(), lines });
    }
  };
  const expiries = async () => {
    for (let round = 0; round < 20; round++) await expireHolds(context, new AbortController().signal);
  };
  await Promise.all([consumer(1), consumer(2), receipts(skus), receipts(skus.toReversed()), expiries()]);
  for (const sku of skus) expect((await scene.level(sku))?.[0]).toBe(80);
  expect(retries()).toBe(0);
});

test('after any commands in any batches the books balance, and every command was answered once', async () => {
  const kind = fc.constantFrom('reserve', 'reserve', 'reserve-briefly', 'commit', 'release', 'expire' as const);
  const step = fc.record({ kind, order: fc.nat(5), first: fc.nat(2), quantity: fc.integer({ min: 1, max: 4 }) });
  const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(batches, async (plan) => {
      const ids = orders(6);
      const skus = [newSku(), newSku(), newSku(), newSku()];
      await scene.stock({ [skus[0] as string]: 4, [skus[1] as string]: 3, [skus[2] as string]: 6 });
      let sent = 0;
      for (const batch of plan) {
        const commands = batch.flatMap(({ kind, order, first, quantity }): Command[] => {
          const id = ids[order] as string;
          const lines = { [skus[first] as string]: quantity, [skus[first + 1] as string]: 1 };
          if (kind === 'commit') return [commit(id)];
          if (kind === 'release') return [release(id)];
          return kind === 'expire' ? [] : [reserve(id, lines, kind === 'reserve' ? 900 : 0)];
        });
        sent += commands.length;
        if (commands.length > 0) await scene.deliver(...commands);
        if (commands.length < batch.length) await scene.service.runJob('expire-holds');
        await expectBalanced(scene.db);
      }
      const answers = (await Promise.all(ids.map((id) => scene.answers(id)))).flat();
      const unasked = answers.filter((answer) => answer === 'released:EXPIRED').length;
      expect(answers.length).toBeGreaterThanOrEqual(sent);
      expect(answers.length - unasked).toBeLessThanOrEqual(sent);
    }),
    { numRuns: 15 },
  );
});

/** The transaction, counting its statements. */
function counting(tx: Tx): { tx: Tx; statements: () => number } {
  let statements = 0;
  const count = <K extends keyof Queryable>(name: K) =>
    ((statement: never) => {
      statements += 1;
      return (tx[name] as (statement: never) => unknown)(statement);
    }) as unknown as Queryable[K];
  const counted = { ...tx, rows: count('rows'), one: count('one'), maybe: count('maybe'), run: count('run') };
  return { tx: counted, statements: () => statements };
}

test('a batch of 256 orders costs as few statements as a batch of one', async () => {
  const skus = Array.from({ length: 40 }, newSku);
  await scene.stock(Object.fromEntries(skus.map((sku) => [sku, 1000])));
  const cost = (work: (tx: Tx) => Promise<void>) =>
    scene.db.transact(async (tx) => {
      const counter = counting(tx);
      await work(counter.tx);
      return counter.statements();
    });
  const costs = async (count: number) => {
    const all = orders(count);
    const lines = (i: number) => ({ [skus[i % 40] as string]: 1, [skus[(i * 7 + 1) % 40] as string]: 2 });
    const reserves = all.map((order, i) => reserve(order, lines(i)));
    const commits = all.map((order) => commit(order));
    const releases = [...all, ...orders(1)].map((order) => release(order));
    return [
      await cost((tx) => reserveStock(tx, reserves, scene.context)),
      await cost((tx) => reserveStock(tx, reserves, scene.context)),
      await cost((tx) => commitStock(tx, commits, scene.context)),
      await cost((tx) => releaseStock(tx, releases, scene.context)),
    ];
  };
  expect(await costs(256)).toEqual([5, 2, 3, 6]);
  expect(await costs(1)).toEqual([5, 2, 3, 6]);
});
