import { isMessage } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MoneySchema } from '../../gen/stoa/common/v1/money_pb.ts';
import {
  add,
  allocate,
  compare,
  containedTax,
  currencyExponent,
  equals,
  formatMoney,
  isCurrency,
  isNegative,
  isZero,
  money,
  multiply,
  negate,
  parseMoney,
  percentage,
  subtract,
  sum,
  toDecimal,
  toMoney,
  zero,
} from '../../money.ts';

const eur = (minor: bigint) => money('EUR', minor);
const minor = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });
const amount = minor.map(eur);
const currency = fc.constantFrom('EUR', 'USD', 'JPY', 'KWD', 'ISK', 'IQD');

describe('arithmetic', () => {
  test('addition commutes, associates and is undone by subtraction', () => {
    fc.assert(
      fc.property(amount, amount, amount, (a, b, c) => {
        expect(add(a, b)).toEqual(add(b, a));
        expect(add(add(a, b), c)).toEqual(add(a, add(b, c)));
        expect(subtract(add(a, b), b)).toEqual(a);
      }),
    );
  });

  test('a sum does not depend on the order and does not drift from repeated addition', () => {
    fc.assert(
      fc.property(fc.array(amount), amount, fc.integer({ min: 0, max: 999 }), (list, unit, quantity) => {
        expect(sum(list, 'EUR')).toEqual(sum(list.toReversed(), 'EUR'));
        expect(sum(Array<typeof unit>(quantity).fill(unit), 'EUR')).toEqual(multiply(unit, quantity));
      }),
    );
  });

  test('a sum of nothing is zero in the currency asked for', () => {
    expect(sum([], 'JPY')).toEqual(zero('JPY'));
  });

  test('comparison is antisymmetric and agrees with subtraction', () => {
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        expect(compare(a, b) + compare(b, a)).toBe(0);
        expect(compare(a, b) < 0).toBe(isNegative(subtract(a, b)));
        expect(compare(a, b) === 0).toBe(isZero(subtract(a, b)));
        expect(equals(a, b)).toBe(a.minor === b.minor);
      }),
    );
  });

  test('currencies never mix', () => {
    const [a, b] = [eur(1n), money('USD', 1n)];
    for (const operation of [add, subtract, compare]) expect(() => operation(a, b)).toThrow('do not mix');
    expect(() => sum([a, b], 'EUR')).toThrow('do not mix');
    expect(equals(a, b)).toBe(false);
  });

  test('a quantity must be an integer', () => {
    expect(() => multiply(eur(100n), 1.5)).toThrow(RangeError);
  });
});

describe('rates', () => {
  test('the tax contained is at most half a unit away from the exact fraction', () => {
    fc.assert(
      fc.property(amount, fc.integer({ min: 0, max: 10_000 }), (gross, points) => {
        const tax = containedTax(gross, points);
        const whole = 10_000n + BigInt(points);
        const error = 2n * (tax.minor * whole - gross.minor * BigInt(points));
        expect(error >= -whole && error <= whole).toBe(true);
      }),
    );
  });

  test('the tax of a negative amount is the negative tax', () => {
    fc.assert(
      fc.property(amount, fc.integer({ min: 0, max: 10_000 }), (gross, points) => {
        expect(containedTax(negate(gross), points)).toEqual(negate(containedTax(gross, points)));
        expect(percentage(negate(gross), points)).toEqual(negate(percentage(gross, points)));
      }),
    );
  });

  test('half a unit rounds up by magnitude', () => {
    expect(percentage(eur(50n), 100)).toEqual(eur(1n));
    expect(percentage(eur(49n), 100)).toEqual(eur(0n));
    expect(percentage(eur(-50n), 100)).toEqual(eur(-1n));
    expect(containedTax(eur(119n), 1900)).toEqual(eur(19n));
    expect(containedTax(eur(999n), 1900)).toEqual(eur(160n));
    expect(containedTax(money('JPY', 110n), 1000)).toEqual(money('JPY', 10n));
  });

  test('a negative or fractional rate is refused', () => {
    for (const points of [-1, 0.5, Number.NaN]) expect(() => containedTax(eur(1n), points)).toThrow(RangeError);
  });
});

describe('allocate', () => {
  const weights = fc
    .array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 20 })
    .filter((list) => list.some((weight) => weight > 0));

  test('shares add up to the amount, and each is less than a unit from its exact part', () => {
    fc.assert(
      fc.property(amount, weights, (whole, list) => {
        const shares = allocate(whole, list);
        expect(sum(shares, 'EUR')).toEqual(whole);
        const total = BigInt(list.reduce((a, b) => a + b, 0));
        shares.forEach((share, index) => {
          const error = share.minor * total - whole.minor * BigInt(list[index] as number);
          expect(error > -total && error < total).toBe(true);
        });
      }),
    );
  });

  test('allocating a negative amount mirrors the positive one', () => {
    fc.assert(
      fc.property(amount, weights, (whole, list) => {
        expect(allocate(negate(whole), list)).toEqual(allocate(whole, list).map(negate));
      }),
    );
  });

  test('equal remainders go to the earlier share, and weight 0 gets nothing', () => {
    expect(allocate(eur(100n), [1, 1, 1]).map((share) => share.minor)).toEqual([34n, 33n, 33n]);
    expect(allocate(eur(5n), [0, 1]).map((share) => share.minor)).toEqual([0n, 5n]);
  });

  test('weights without a positive one, or with a negative one, are refused', () => {
    for (const list of [[], [0, 0], [2, -1]]) expect(() => allocate(eur(1n), list)).toThrow(RangeError);
  });
});

describe('text', () => {
  test('what is written as a decimal is read back exactly, in every currency', () => {
    fc.assert(
      fc.property(minor, currency, (value, code) => {
        expect(parseMoney(toDecimal(money(code, value)), code)).toEqual(money(code, value));
      }),
    );
  });

  test('a decimal has as many places as its currency', () => {
    expect(toDecimal(eur(-5n))).toBe('-0.05');
    expect(toDecimal(money('JPY', 500n))).toBe('500');
    expect(toDecimal(money('KWD', 1n))).toBe('0.001');
    expect(parseMoney('12.5', 'EUR')).toEqual(eur(1250n));
  });

  test('what is not an exact amount is refused', () => {
    for (const text of ['', ' 1', '1,00', '1.005', '1e3', '.5', '5.', '0x10', '+1', 'NaN', '١']) {
      expect(() => parseMoney(text, 'EUR'), text).toThrow(RangeError);
    }
    expect(() => parseMoney('1.5', 'JPY')).toThrow(RangeError);
  });

  test('people read it in their locale, exactly even beyond 2^53', () => {
    expect(formatMoney(eur(123456n), 'de-DE')).toBe('1.234,56\u00a0€');
    expect(formatMoney(money('USD', -50n), 'en-US')).toBe('-$0.50');
    expect(formatMoney(money('JPY', 1234n), 'en-US')).toBe('¥1,234');
    expect(formatMoney(money('USD', 900719925474099301n), 'en-US')).toBe('$9,007,199,254,740,993.01');
  });
});

describe('currencies', () => {
  test('the exponent follows ISO 4217', () => {
    expect(['JPY', 'EUR', 'KWD', 'IQD', 'ISK', 'HUF'].map(currencyExponent)).toEqual([0, 2, 3, 3, 0, 2]);
  });

  test('unknown, lower-case and withdrawn codes are no currencies', () => {
    for (const code of ['', 'eur', 'DEM', 'XXX', 'EURO', '__proto__']) expect(isCurrency(code), code).toBe(false);
    expect(() => currencyExponent('DEM')).toThrow('not a currency');
    expect(isCurrency('EUR')).toBe(true);
  });

  test('a protobuf message is an amount, and an amount becomes a message', () => {
    const message = toMoney(eur(5n));
    expect(isMessage(message, MoneySchema)).toBe(true);
    expect(add(message, eur(1n))).toEqual(eur(6n));
  });
});
