import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameKey, optionProblems, priceRange } from '../../src/domain/product.ts';

const variant = (priceMinor: bigint) => ({ sku: 'S', name: '', options: [], priceMinor });

describe('price range', () => {
  it('is the cheapest and the dearest variant', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 1n, max: 10n ** 12n }), { minLength: 1 }), (prices) => {
        const { from, to } = priceRange(prices.map(variant));
        expect(prices).toContain(from);
        expect(prices).toContain(to);
        expect(prices.every((price) => from <= price && price <= to)).toBe(true);
      }),
    );
  });

  it('does not exist without variants', () => {
    expect(() => priceRange([])).toThrow('no price');
  });
});

describe('the key a name is sorted by', () => {
  it('ignores case, accents and spacing', () => {
    expect(nameKey('  Étui   ÖKO ')).toBe('etui oko');
    expect(nameKey('apron') < nameKey('Bowl')).toBe(true);
  });
});

describe('variants of a product with options', () => {
  const options = [
    { name: 'Size', values: ['S', 'M'] },
    { name: 'Colour', values: ['Ink', 'Moss'] },
  ];
  const choice = (size: string, colour: string) => ({
    options: [
      { name: 'Colour', value: colour },
      { name: 'Size', value: size },
    ],
  });

  it('choose one value of each option, in any order', () => {
    expect(optionProblems(options, [choice('S', 'Ink'), choice('M', 'Ink')])).toEqual([]);
  });

  it.each([
    ['an unknown value', choice('XL', 'Ink')],
    ['no value for an option', { options: [{ name: 'Size', value: 'S' }] }],
    ['an option the product has not', { options: [...choice('S', 'Ink').options, { name: 'Fit', value: 'Slim' }] }],
  ])('are refused with %s', (_, wrong) => {
    expect(optionProblems(options, [choice('S', 'Moss'), wrong])).toEqual([
      { variant: 1, problem: 'must choose one value of each option of the product' },
    ]);
  });

  it('cannot choose the same values twice', () => {
    expect(optionProblems(options, [choice('S', 'Ink'), choice('S', 'Ink')])).toEqual([
      { variant: 1, problem: 'chooses the same values as another variant' },
    ]);
    expect(optionProblems([], [{ options: [] }, { options: [] }])).toHaveLength(1);
  });
});
