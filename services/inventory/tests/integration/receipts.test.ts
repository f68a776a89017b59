// Goods in and out.
import { Code } from '@connectrpc/connect';
import { SqlState, sqlState, violatedConstraint } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { reasonOf, violationsOf } from '@stoa/chassis/rpc/errors';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { expectBalanced, newId, newSku, openScene, reserve, type Scene } from './scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await openScene();
});
afterEach(() => expectBalanced(scene.db));
afterAll(() => scene.stop());

const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error as { code?: Code },
  );

test('a receipt makes an unknown SKU known and answers with the levels after it', async () => {
  const sku = newSku();
  const lines = [{ sku, quantity: 7n }];
  const { levels } = await scene.client.receiveStock({ receiptId: newId(), lines });
  expect(levels).toMatchObject([{ sku, onHand: 7n, reserved: 0n, available: 7n, version: 1n }]);
});

test('the same receipt, sent many times at once, is booked once', async () => {
  const [receiptId, sku, other] = [newId(), newSku(), newSku()];
  const lines = [
    { sku, quantity: 5n },
    { sku: other, quantity: 1n },
  ];
  const send = (index: number) =>
    scene.client.receiveStock({ receiptId, lines: index % 2 === 0 ? lines : lines.toReversed() });
  const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => send(index)));
  expect(new Set(answers.map((answer) => answer.levels.find((l) => l.sku === sku)?.onHand))).toEqual(new Set([5n]));
  expect(await scene.level(sku)).toEqual([5, 0]);
});

test('a receipt id that was used for other lines is refused', async () => {
  const [receiptId, sku] = [newId(), newSku()];
  await scene.client.receiveStock({ receiptId, lines: [{ sku, quantity: 5n }] });
  const error = await errorOf(scene.client.receiveStock({ receiptId, lines: [{ sku, quantity: 6n }] }));
  expect([error?.code, reasonOf(error)]).toEqual([Code.AlreadyExists, 'RECEIPT_REUSED']);
});

test('booking out stops at what is promised, books nothing of the receipt and leaves its id free', async () => {
  const [receiptId, sku, other] = [newId(), newSku(), newSku()];
  await scene.stock({ [sku]: 5 });
  await scene.deliver(reserve(newId(), { [sku]: 3 }));
  const out = (quantity: bigint) =>
    scene.client.receiveStock({
      receiptId,
      lines: [
        { sku: other, quantity: 1n },
        { sku, quantity },
      ],
    });
  const error = await errorOf(out(-3n));
  expect([error?.code, reasonOf(error)]).toEqual([Code.FailedPrecondition, 'STOCK_BELOW_ZERO']);
  expect(await scene.level(other)).toBeUndefined();
  await out(-2n);
  expect([await scene.level(sku), await scene.level(other)]).toEqual([
    [3, 3],
    [1, 0],
  ]);
});

test('an unreadable receipt is refused with every violation', async () => {
  const lines = [
    { sku: 'a', quantity: 1n },
    { sku: 'a', quantity: 2_000_000_000n },
    { sku: ' ', quantity: 1n },
  ];
  const error = await errorOf(scene.client.receiveStock({ receiptId: 'x', lines }));
  expect(new Set(violationsOf(error).map((violation) => violation.field))).toEqual(
    new Set(['receipt_id', 'lines[1].sku', 'lines[1].quantity', 'lines[2].sku']),
  );
});

test('unknown SKUs are absent from the answer', async () => {
  const sku = newSku();
  await scene.stock({ [sku]: 1 });
  const { levels } = await scene.client.getStock({ skus: ['no-such-sku', sku] });
  expect(levels.map((level) => level.sku)).toEqual([sku]);
});

test('the database itself refuses to store an oversold level', async () => {
  const sku = newSku();
  await scene.stock({ [sku]: 1 });
  const error = await errorOf(scene.db.run(sql`update stock set reserved = 2 where sku = ${sku}`));
  expect([sqlState(error), violatedConstraint(error)]).toEqual([SqlState.checkViolation, 'stock_never_oversold']);
});
