import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor, type Sort, startOf } from '../../src/domain/paging.ts';

const integerSorts: readonly Sort[] = ['NEWEST', 'PRICE_ASC', 'PRICE_DESC', 'RANK'];
const bigintMax = 2n ** 63n - 1n;

describe('cursor', () => {
  it('is read back as the position it was made from, whatever the name or number', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 200 }).filter((key) => !key.includes('\0'));
    fc.assert(
      fc.property(fc.uuid(), text, (id, key) => {
        expect(decodeCursor('NAME', encodeCursor('NAME', { key, id }))).toEqual({ key, id });
      }),
    );
    const anyInteger = fc.bigInt({ min: -1n, max: bigintMax });
    fc.assert(
      fc.property(fc.constantFrom(...integerSorts), fc.uuid(), anyInteger, (sort, id, key) => {
        const position = { key: String(key), id };
        expect(decodeCursor(sort, encodeCursor(sort, position))).toEqual(position);
      }),
    );
  });

  it('of one sort is refused by every other', () => {
    const sorts: readonly Sort[] = [...integerSorts, 'NAME'];
    for (const made of sorts) {
      const cursor = encodeCursor(made, { key: '7', id: '018f2b60-0000-7000-8000-000000000000' });
      for (const read of sorts) expect(decodeCursor(read, cursor) !== undefined).toBe(read === made);
    }
  });

  it('that nobody made is refused and never throws', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        expect(decodeCursor('PRICE_ASC', text)).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(decodeCursor('NEWEST', Buffer.from(json).toString('base64url'))).toBeUndefined();
      }),
    );
  });

  it.each([
    ['a number beyond 64 bits', ['PRICE_ASC', '9223372036854775808', '018f2b60-0000-7000-8000-000000000000']],
    ['a fraction', ['PRICE_ASC', '1.5', '018f2b60-0000-7000-8000-000000000000']],
    ['an id that is no UUID', ['PRICE_ASC', '1', 'x']],
    ['a name with NUL, which PostgreSQL cannot store', ['NAME', 'a\0b', '018f2b60-0000-7000-8000-000000000000']],
  ])('with %s is refused', (_, parts) => {
    const sort = parts[0] as Sort;
    expect(decodeCursor(sort, Buffer.from(JSON.stringify(parts)).toString('base64url'))).toBeUndefined();
  });

  it('is safe in a URL', () => {
    expect(encodeCursor('NAME', { key: 'étui?&/+', id: 'x' })).toMatch(/^[\w-]+$/);
  });
});

describe('the start of a sort', () => {
  it('lies before every possible position', () => {
    expect(startOf('PRICE_ASC').key).toBe('-1');
    expect(startOf('NAME').key).toBe('');
    for (const sort of ['NEWEST', 'PRICE_DESC', 'RANK'] as const) expect(BigInt(startOf(sort).key)).toBe(bigintMax);
  });
});
