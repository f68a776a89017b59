// Lines and receipts.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Line, sameLines, shortfalls, sumLines } from '../../src/domain/stock.ts';

const lines = fc.array(fc.record({ sku: fc.constantFrom('a', 'b', 'c'), quantity: fc.bigInt({ min: -9n, max: 9n }) }), {
  maxLength: 12,
});
const total = (list: readonly Line[], sku: string) =>
  list.reduce((sum, line) => (line.sku === sku ? sum + line.quantity : sum), 0n);

test('adding lines up keeps every SKU its units, names it once, and leaves out what comes to nothing', () => {
  fc.assert(
    fc.property(lines, (list) => {
      const sum = sumLines(list);
      for (const sku of ['a', 'b', 'c']) expect(total(sum, sku)).toBe(total(list, sku));
      expect(sum.map((line) => line.sku)).toEqual([...new Set(sum.map((line) => line.sku))].sort());
      expect(sum.every((line) => line.quantity !== 0n)).toBe(true);
    }),
  );
});

test('a receipt may take what is available, and not one unit of what is promised', () => {
  const levels = new Map([['a', { sku: 'a', onHand: 10n, reserved: 4n, version: 1n }]]);
  expect(shortfalls(levels, [{ sku: 'a', quantity: -6n }])).toEqual([]);
  expect(shortfalls(levels, [{ sku: 'a', quantity: -7n }])).toEqual(['a']);
  expect(shortfalls(levels, [{ sku: 'new', quantity: -1n }])).toEqual(['new']);
});

test('receipts are the same if they book the same, in whatever order', () => {
  const a = { sku: 'a', quantity: 1n };
  const b = { sku: 'b', quantity: 2n };
  expect(sameLines([a, b], [b, a])).toBe(true);
  expect(sameLines([a, b], [a])).toBe(false);
  expect(sameLines([a], [{ sku: 'a', quantity: 2n }])).toBe(false);
  expect(sameLines([a], [{ sku: 'c', quantity: 1n }])).toBe(false);
});
