import { inRounds } from '@stoa/chassis/events/rounds';
import fc from 'fast-check';
import { expect, test } from 'vitest';

interface Sample {
  readonly type: string;
  readonly aggregateId: string;
  readonly position: number;
}

const batches = fc
  .array(fc.record({ type: fc.constantFrom('A', 'B', 'C'), aggregateId: fc.constantFrom('1', '2', '3', '4') }))
  .map((list) => list.map((record, position): Sample => ({ ...record, position })));

test('every record is in exactly one part', () => {
  fc.assert(
    fc.property(batches, (batch) => {
      const all = inRounds(batch).flatMap(({ records }) => records);
      expect(all.toSorted((a, b) => a.position - b.position)).toEqual(batch);
    }),
  );
});

test('a part has one type, and no aggregate twice', () => {
  fc.assert(
    fc.property(batches, (batch) => {
      for (const { type, records } of inRounds(batch)) {
        expect(records.every((record) => record.type === type)).toBe(true);
        expect(new Set(records.map(({ aggregateId }) => aggregateId)).size).toBe(records.length);
      }
    }),
  );
});

test('handling the parts in their order keeps the order of every aggregate', () => {
  fc.assert(
    fc.property(batches, (batch) => {
      const handled = inRounds(batch).flatMap(({ records }) => records);
      for (const id of new Set(batch.map(({ aggregateId }) => aggregateId))) {
        const positions = handled.filter(({ aggregateId }) => aggregateId === id).map(({ position }) => position);
        expect(positions).toEqual(positions.toSorted((a, b) => a - b));
      }
    }),
  );
});

test('records of different aggregates and one type stay one part, whatever their number', () => {
  const batch = Array.from({ length: 256 }, (_, n) => ({ type: 'A', aggregateId: String(n) }));
  expect(inRounds(batch)).toEqual([{ type: 'A', records: batch }]);
});
