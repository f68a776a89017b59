import { containedTax, money, sum } from '@stoa/proto/money';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Cart, Line } from '../../src/domain/cart.ts';
import { type PriceList, priceCart } from '../../src/domain/price-cart.ts';
import type { Quotes } from '../../src/domain/quote.ts';
import { exampleAddress, exampleCart, exampleLine, exampleQuote, someLines } from './examples.ts';

const eur = (minor: bigint) => money('EUR', minor);
const standard = { id: 'standard', price: eur(490n), countries: [] };

function quotesFor(lines: readonly Line[]): Quotes {
  return new Map(lines.map((line) => [line.sku, exampleQuote({ price: eur(line.unitMinor ?? 0n) })]));
}

function price(cart: Cart, list: Partial<PriceList> = {}) {
  return priceCart(cart, { quotes: quotesFor(cart.lines), shippingMethods: [standard], taxBasisPoints: 1900, ...list });
}

const kinds = (priced: ReturnType<typeof price>) => priced.problems.map((problem) => problem.kind);

describe('totals', () => {
  test('the total is the sum of the lines plus shipping, whatever the lines are', () => {
    fc.assert(
      fc.property(someLines, fc.boolean(), (lines, shipped) => {
        const { totals, lines: priced } = price(
          exampleCart({ lines, shippingMethodId: shipped ? 'standard' : undefined }),
        );
        const minor = lines.reduce((all, line) => all + (line.unitMinor as bigint) * BigInt(line.quantity), 0n);
        expect(totals.subtotal).toEqual(eur(minor));
        expect(totals.subtotal).toEqual(
          sum(
            priced.map((line) => line.lineTotal),
            'EUR',
          ),
        );
        expect(totals.shipping).toEqual(eur(shipped ? 490n : 0n));
        expect(totals.total).toEqual(eur(totals.subtotal.minor + totals.shipping.minor));
      }),
    );
  });

  test('the tax is contained in the total and is the sum of what each line and shipping contain', () => {
    fc.assert(
      fc.property(someLines, fc.integer({ min: 0, max: 10_000 }), (lines, taxBasisPoints) => {
        const { totals, lines: priced } = price(exampleCart({ lines, shippingMethodId: 'standard' }), {
          taxBasisPoints,
        });
        const taxes = priced.map((line) => containedTax(line.lineTotal, taxBasisPoints));
        expect(totals.tax).toEqual(sum([...taxes, containedTax(totals.shipping, taxBasisPoints)], 'EUR'));
        expect(totals.tax.minor >= 0n && totals.tax.minor <= totals.total.minor).toBe(true);
      }),
    );
  });

  test('the order of the lines changes no total', () => {
    fc.assert(
      fc.property(someLines, (lines) => {
        expect(price(exampleCart({ lines: lines.toReversed() })).totals).toEqual(price(exampleCart({ lines })).totals);
      }),
    );
  });

  test('tax is rounded for each line and then summed, not on the sum', () => {
    const lines = ['A', 'B', 'C'].map((sku) => exampleLine({ sku, unitMinor: 3n }));
    expect(price(exampleCart({ lines })).totals.tax).toEqual(eur(0n));
    expect(containedTax(eur(9n), 1900)).toEqual(eur(1n));
  });

  test('an empty cart costs nothing and has no problem', () => {
    const { totals, problems } = price(exampleCart());
    expect([totals.total, totals.tax]).toEqual([eur(0n), eur(0n)]);
    expect(problems).toEqual([]);
  });
});

describe('problems of lines', () => {
  const cart = exampleCart({ lines: [exampleLine({ quantity: 2 })] });

  test('a changed price is charged, told with the price before, and blocks nothing', () => {
    const priced = price(cart, { quotes: new Map([['MUG', exampleQuote({ price: eur(2500n), priceVersion: 2 })]]) });
    expect(priced.lines[0]).toMatchObject({
      unitPrice: eur(2500n),
      lineTotal: eur(5000n),
      previousUnitPrice: eur(1999n),
    });
    expect(priced.lines[0]?.priceVersion).toBe(2);
    expect(priced.problems).toMatchObject([{ kind: 'PRICE_CHANGED', sku: 'MUG', blocking: false }]);
  });

  test('a line that was added without a price has no changed price', () => {
    const unpriced = exampleCart({ lines: [exampleLine({ unitMinor: undefined })] });
    const priced = price(unpriced, { quotes: new Map([['MUG', exampleQuote()]]) });
    expect(kinds(priced)).toEqual([]);
    expect(priced.lines[0]?.previousUnitPrice).toBeUndefined();
  });

  test('an article that catalog does not know any more blocks and keeps its last price', () => {
    const priced = price(cart, { quotes: new Map([['MUG', null]]) });
    expect(priced.problems).toMatchObject([{ kind: 'UNKNOWN_SKU', sku: 'MUG', blocking: true }]);
    expect(priced.totals.total).toEqual(eur(3998n));
  });

  test('an article in another currency blocks and never mixes into the sum', () => {
    const priced = price(cart, { quotes: new Map([['MUG', exampleQuote({ price: money('USD', 1n) })]]) });
    expect(priced.problems).toMatchObject([{ kind: 'WRONG_CURRENCY', sku: 'MUG', blocking: true }]);
    expect(priced.totals.total).toEqual(eur(3998n));
  });

  test('an article out of stock blocks', () => {
    const priced = price(cart, { quotes: new Map([['MUG', exampleQuote({ inStock: false })]]) });
    expect(priced.problems).toMatchObject([{ kind: 'OUT_OF_STOCK', sku: 'MUG', blocking: true }]);
  });

  test('without catalog the stored prices are shown, and the cart is blocked once', () => {
    const priced = price(cart, { quotes: undefined });
    expect(priced.problems).toMatchObject([{ kind: 'PRICES_UNAVAILABLE', sku: '', blocking: true }]);
    expect(priced.totals.total).toEqual(eur(3998n));
  });

  test('an ordered cart tells no problems: there is nothing left to solve', () => {
    const ordered = { ...cart, orderId: 'o' };
    expect(kinds(price(ordered, { quotes: new Map([['MUG', exampleQuote({ inStock: false })]]) }))).toEqual([]);
  });
});

describe('shipping', () => {
  const german = { id: 'german', price: eur(300n), countries: ['DE'] };
  const to = (country: string, shippingMethodId: string) =>
    exampleCart({ address: { ...exampleAddress, country }, shippingMethodId });

  test('a method is charged where it delivers, and before the country is known', () => {
    expect(price(to('DE', 'german'), { shippingMethods: [german] }).totals.total).toEqual(eur(300n));
    expect(price(exampleCart({ shippingMethodId: 'german' }), { shippingMethods: [german] }).problems).toEqual([]);
  });

  test('a method that is unknown, not for the country, or not in the currency, blocks', () => {
    const dollars = { ...standard, price: money('USD', 1n) };
    for (const [cart, methods] of [
      [to('DE', 'pigeon'), [standard]],
      [to('FR', 'german'), [german]],
      [to('DE', 'standard'), [dollars]],
    ] as const) {
      const priced = price(cart, { shippingMethods: methods });
      expect(priced.problems).toMatchObject([{ kind: 'SHIPPING_METHOD_INVALID', blocking: true }]);
      expect(priced.totals.shipping).toEqual(eur(0n));
    }
  });

  test('without an answer of shipping the cart is blocked', () => {
    expect(kinds(price(to('DE', 'standard'), { shippingMethods: undefined }))).toEqual(['PRICES_UNAVAILABLE']);
  });
});
