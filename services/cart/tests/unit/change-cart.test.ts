import { money } from '@stoa/proto/money';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LINES_MAX, QUANTITY_MAX } from '../../src/domain/cart.ts';
import { mergeCarts, setDetails } from '../../src/domain/change-details.ts';
import { addLines, removeLines, updateLines } from '../../src/domain/change-lines.ts';
import type { Quotes } from '../../src/domain/quote.ts';
import { exampleAddress, exampleCart, exampleLine, exampleQuote, someLines } from './examples.ts';

const quotes: Quotes = new Map([
  ['MUG', exampleQuote()],
  ['CAP', exampleQuote()],
  ['USD', exampleQuote({ price: money('USD', 1n) })],
  ['GONE', null],
]);
const withMug = exampleCart({ lines: [exampleLine({ quantity: 2 })] });
const full = exampleCart({
  lines: Array.from({ length: LINES_MAX }, (_, index) => exampleLine({ sku: `S${index}` })),
});

describe('adding', () => {
  test('what is there already gets more of it, in its place', () => {
    const { cart } = addLines(
      withMug,
      [
        { sku: 'CAP', quantity: 1 },
        { sku: 'MUG', quantity: 3 },
      ],
      quotes,
    );
    expect(cart.lines.map(({ sku, quantity }) => [sku, quantity])).toEqual([
      ['MUG', 5],
      ['CAP', 1],
    ]);
  });

  test('the same article twice in one wish adds up', () => {
    const { cart } = addLines(
      exampleCart(),
      [
        { sku: 'MUG', quantity: 1 },
        { sku: 'MUG', quantity: 2 },
      ],
      quotes,
    );
    expect(cart.lines).toMatchObject([{ sku: 'MUG', quantity: 3 }]);
  });

  test('the price of the moment is remembered with the line', () => {
    const { cart } = addLines(exampleCart(), [{ sku: 'MUG', quantity: 1 }], quotes);
    expect(cart.lines).toMatchObject([{ unitMinor: 1999n, priceVersion: 1, productName: 'Mug', variantName: 'Blue' }]);
  });

  test('what cannot be added is a problem that blocks nothing, and the rest is added', () => {
    const wishes = ['GONE', 'USD', 'CAP'].map((sku) => ({ sku, quantity: 1 }));
    const { cart, problems } = addLines(withMug, wishes, quotes);
    expect(cart.lines.map((line) => line.sku)).toEqual(['MUG', 'CAP']);
    expect(problems.map(({ kind, sku, blocking }) => [kind, sku, blocking])).toEqual([
      ['UNKNOWN_SKU', 'GONE', false],
      ['WRONG_CURRENCY', 'USD', false],
    ]);
  });

  test('when nothing can be added the cart is the same one', () => {
    expect(addLines(withMug, [{ sku: 'GONE', quantity: 1 }], quotes).cart).toBe(withMug);
  });

  test('a line never exceeds its limit: the addition is refused and the line stays', () => {
    const { cart, problems } = addLines(withMug, [{ sku: 'MUG', quantity: QUANTITY_MAX - 1 }], quotes);
    expect(cart).toBe(withMug);
    expect(problems).toMatchObject([{ kind: 'QUANTITY_INVALID', sku: 'MUG' }]);
  });

  test('a full cart takes no further line, but more of what it holds', () => {
    const all: Quotes = new Map([...full.lines.map((line) => [line.sku, exampleQuote()] as const), ...quotes]);
    const { cart, problems } = addLines(
      full,
      [
        { sku: 'MUG', quantity: 1 },
        { sku: 'S0', quantity: 1 },
      ],
      all,
    );
    expect(problems).toMatchObject([{ kind: 'TOO_MANY_LINES', sku: 'MUG' }]);
    expect(cart.lines).toHaveLength(LINES_MAX);
    expect(cart.lines[0]?.quantity).toBe(2);
  });

  test('without catalog lines are added unpriced, and known ones keep what is known', () => {
    const { cart, problems } = addLines(
      withMug,
      [
        { sku: 'MUG', quantity: 1 },
        { sku: 'NEW', quantity: 1 },
      ],
      undefined,
    );
    expect(problems).toEqual([]);
    expect(cart.lines).toMatchObject([
      { sku: 'MUG', quantity: 3, unitMinor: 1999n, productName: 'Mug' },
      { sku: 'NEW', quantity: 1, unitMinor: undefined, productName: '' },
    ]);
  });

  test('additions give the same quantities in any order', () => {
    const wishes = fc.array(
      fc.record({ sku: fc.constantFrom('MUG', 'CAP'), quantity: fc.integer({ min: 1, max: 40 }) }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(wishes, (list) => {
        const of = (order: typeof list) =>
          Object.fromEntries(
            addLines(exampleCart(), order, quotes).cart.lines.map((line) => [line.sku, line.quantity]),
          );
        expect(of(list)).toEqual(of(list.toReversed()));
      }),
    );
  });
});

describe('updating and removing', () => {
  test('a quantity is set, and 0 removes', () => {
    expect(updateLines(withMug, [{ sku: 'MUG', quantity: 7 }], quotes).cart.lines).toMatchObject([{ quantity: 7 }]);
    expect(updateLines(withMug, [{ sku: 'MUG', quantity: 0 }], quotes).cart.lines).toEqual([]);
  });

  test('the same quantity at the same price changes nothing', () => {
    expect(updateLines(withMug, [{ sku: 'MUG', quantity: 2 }], quotes).cart).toBe(withMug);
  });

  test('setting a quantity accepts the price of the moment', () => {
    const dearer: Quotes = new Map([['MUG', exampleQuote({ price: money('EUR', 2500n) })]]);
    const { cart } = updateLines(withMug, [{ sku: 'MUG', quantity: 2 }], dearer);
    expect(cart.lines).toMatchObject([{ quantity: 2, unitMinor: 2500n }]);
  });

  test('an article that is not in the cart is a problem, unless it was to be removed', () => {
    expect(updateLines(withMug, [{ sku: 'CAP', quantity: 1 }], quotes)).toMatchObject({
      cart: withMug,
      problems: [{ kind: 'UNKNOWN_SKU', sku: 'CAP', blocking: false }],
    });
    expect(updateLines(withMug, [{ sku: 'CAP', quantity: 0 }], quotes).problems).toEqual([]);
  });

  test('removing twice is removing once', () => {
    const { cart } = removeLines(withMug, ['MUG', 'CAP']);
    expect(cart.lines).toEqual([]);
    expect(removeLines(cart, ['MUG']).cart).toBe(cart);
  });
});

describe('details', () => {
  const details = { email: 'a@b.example', address: exampleAddress, shippingMethodId: 'standard' };

  test('what is left out stays', () => {
    const { cart } = setDetails(exampleCart(details), { ...details, email: 'c@d.example', address: undefined });
    expect(cart).toMatchObject({ ...details, email: 'c@d.example' });
  });

  test('the same details again change nothing', () => {
    const cart = exampleCart(details);
    expect(setDetails(cart, { ...details, address: { ...exampleAddress } }).cart).toBe(cart);
  });
});

describe('merging', () => {
  test('quantities add up, within the limit, and nothing else is lost', () => {
    fc.assert(
      fc.property(someLines, someLines, (ours, theirs) => {
        const { cart } = mergeCarts(exampleCart({ lines: ours }), exampleCart({ lines: theirs }));
        const quantity = (list: typeof ours, sku: string) => list.find((line) => line.sku === sku)?.quantity ?? 0;
        for (const sku of new Set([...ours, ...theirs].map((line) => line.sku))) {
          const both = quantity(ours, sku) + quantity(theirs, sku);
          expect(cart.lines.find((line) => line.sku === sku)?.quantity).toBe(Math.min(both, QUANTITY_MAX));
        }
      }),
    );
  });

  test("the customer's details win, the guest's fill the gaps", () => {
    const customers = exampleCart({ email: 'customer@b.example' });
    const { cart } = mergeCarts(customers, exampleCart({ email: 'guest@b.example', address: exampleAddress }));
    expect(cart).toMatchObject({ email: 'customer@b.example', address: exampleAddress });
  });

  test('what does not fit is told', () => {
    const { cart, problems } = mergeCarts(
      full,
      exampleCart({ lines: [exampleLine(), exampleLine({ sku: 'S1', quantity: 999 })] }),
    );
    expect(cart.lines).toHaveLength(LINES_MAX);
    expect(problems.map(({ kind, sku }) => [kind, sku])).toEqual([
      ['TOO_MANY_LINES', 'MUG'],
      ['QUANTITY_INVALID', 'S1'],
    ]);
  });
});
