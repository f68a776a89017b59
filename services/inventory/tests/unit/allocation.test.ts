// The rules of allocation, for all inputs.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Allocation, allocate, type Demand } from '../../src/domain/allocation.ts';
import { type StockLevel, sumLines } from '../../src/domain/stock.ts';

const SKUS = ['a', 'b', 'c', 'd'];

/** Some of the SKUs are known, with little stock, so that orders contend and some ask for what does not exist. */
const levels = fc
  .subarray(SKUS, { minLength: 1 })
  .chain((known) => fc.tuple(...known.map((sku) => fc.tuple(fc.constant(sku), fc.nat(12), fc.nat(5)))))
  .map((rows) => new Map(rows.map(([sku, free, reserved]) => [sku, level(sku, free + reserved, reserved)])));

const line = fc.record({ sku: fc.constantFrom(...SKUS), quantity: fc.bigInt({ min: 0n, max: 6n }) });
const demands = fc
  .array(fc.array(line, { maxLength: 5 }), { maxLength: 25 })
  .map((orders) => orders.map((lines, index): Demand => ({ orderId: `order-${index}`, lines })));

function level(sku: string, onHand: number, reserved = 0): StockLevel {
  return { sku, onHand: BigInt(onHand), reserved: BigInt(reserved), version: 1n };
}

const stock = (units: Record<string, number>) =>
  new Map(Object.entries(units).map(([sku, onHand]) => [sku, level(sku, onHand)]));

const heldLines = (answers: readonly Allocation[]) => answers.flatMap((a) => (a.kind === 'held' ? a.lines : []));

const order = (orderId: string, lines: Record<string, number>): Demand => ({
  orderId,
  lines: Object.entries(lines).map(([sku, quantity]) => ({ sku, quantity: BigInt(quantity) })),
});

test('a batch is never given more of a SKU than is available', () => {
  fc.assert(
    fc.property(levels, demands, (known, batch) => {
      for (const { sku, quantity } of sumLines(heldLines(allocate(known, batch)))) {
        const at = known.get(sku) as StockLevel;
        expect(at.reserved + quantity <= at.onHand).toBe(true);
      }
    }),
  );
});

test('every order gets all of its lines or nothing, and every order an answer, in order', () => {
  fc.assert(
    fc.property(levels, demands, (known, batch) => {
      const answers = allocate(known, batch);
      expect(answers.map((answer) => answer.orderId)).toEqual(batch.map((demand) => demand.orderId));
      for (const [index, answer] of answers.entries()) {
        if (answer.kind === 'held') expect(answer.lines).toEqual(sumLines(batch[index]?.lines ?? []));
      }
    }),
  );
});

test('an order is refused only if the orders before it left too little, naming exactly the SKUs at fault', () => {
  fc.assert(
    fc.property(levels, demands, (known, batch) => {
      const answers = allocate(known, batch);
      for (const [index, answer] of answers.entries()) {
        if (answer.kind === 'held') continue;
        const taken = new Map(sumLines(heldLines(answers.slice(0, index))).map((l) => [l.sku, l.quantity]));
        const wanted = sumLines(batch[index]?.lines ?? []);
        const unknown = wanted.filter(({ sku }) => !known.has(sku));
        const short = wanted.filter(({ sku, quantity }) => {
          const at = known.get(sku);
          return at !== undefined && at.onHand - at.reserved - (taken.get(sku) ?? 0n) < quantity;
        });
        const atFault = unknown.length > 0 ? unknown : short;
        expect(answer.reason).toBe(unknown.length > 0 ? 'UNKNOWN_SKU' : 'INSUFFICIENT_STOCK');
        expect(atFault.length).toBeGreaterThan(0);
        expect(answer.skus).toEqual(atFault.map(({ sku }) => sku));
      }
    }),
  );
});

test('a refused order leaves no trace: without it, every other order is answered the same', () => {
  fc.assert(
    fc.property(levels, demands, (known, batch) => {
      const answers = allocate(known, batch);
      const served = batch.filter((_, index) => answers[index]?.kind === 'held');
      expect(allocate(known, served)).toEqual(answers.filter((answer) => answer.kind === 'held'));
    }),
  );
});

test('how a stream of orders is cut into batches does not change who gets what', () => {
  fc.assert(
    fc.property(levels, demands, fc.nat(25), (known, batch, cut) => {
      const first = allocate(known, batch.slice(0, cut));
      const taken = new Map(sumLines(heldLines(first)).map((l) => [l.sku, l.quantity]));
      const after = new Map(
        [...known].map(([sku, at]) => [sku, { ...at, reserved: at.reserved + (taken.get(sku) ?? 0n) }]),
      );
      expect([...first, ...allocate(after, batch.slice(cut))]).toEqual(allocate(known, batch));
    }),
  );
});

test('of 400 orders for the last 200 units the first 200 get one each', () => {
  const batch = Array.from({ length: 400 }, (_, index) => order(`order-${index}`, { hot: 1 }));
  const answers = allocate(stock({ hot: 200 }), batch);
  expect(answers.map((answer) => answer.kind)).toEqual(batch.map((_, index) => (index < 200 ? 'held' : 'refused')));
});

test('a large order that cannot be served does not stand in the way of a later, smaller one', () => {
  const answers = allocate(stock({ a: 3, b: 1 }), [order('large', { a: 4, b: 1 }), order('small', { a: 3, b: 1 })]);
  expect(answers).toEqual([
    { kind: 'refused', orderId: 'large', reason: 'INSUFFICIENT_STOCK', skus: ['a'] },
    { kind: 'held', orderId: 'small', lines: order('', { a: 3, b: 1 }).lines },
  ]);
});

test('two lines of one SKU count together', () => {
  const lines = [
    { sku: 'a', quantity: 2n },
    { sku: 'a', quantity: 2n },
  ];
  expect(allocate(stock({ a: 3 }), [{ orderId: 'o', lines }])[0]?.kind).toBe('refused');
  expect(allocate(stock({ a: 4 }), [{ orderId: 'o', lines }])[0]).toEqual({
    kind: 'held',
    orderId: 'o',
    lines: [{ sku: 'a', quantity: 4n }],
  });
});

test('an unknown SKU is named alone, even if known ones are short as well', () => {
  expect(allocate(stock({ a: 0 }), [order('o', { a: 1, ghost: 1 })])).toEqual([
    { kind: 'refused', orderId: 'o', reason: 'UNKNOWN_SKU', skus: ['ghost'] },
  ]);
});
