// Stripe's units.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromStripe, toStripe } from '../../src/infrastructure/stripe/amounts.ts';

test('most currencies are counted as we count them; ISK and UGX in hundredths, MGA in whole ones', () => {
  expect(['EUR', 'JPY', 'KWD'].map((currency) => toStripe(4200n, currency))).toEqual([4200, 4200, 4200]);
  expect(['ISK', 'UGX', 'MGA'].map((currency) => toStripe(4200n, currency))).toEqual([420_000, 420_000, 42]);
});

test('an amount that Stripe does not have is refused instead of rounded', () => {
  expect(() => toStripe(4201n, 'MGA')).toThrow(RangeError);
  expect(() => toStripe(2n ** 60n, 'EUR')).toThrow(RangeError);
  expect([fromStripe(4250, 'ISK'), fromStripe(1.5, 'EUR'), fromStripe(-1, 'EUR'), fromStripe('1', 'EUR')]).toEqual(
    Array(4).fill(undefined),
  );
});

test('there and back again nothing is lost', () => {
  const currency = fc.constantFrom('EUR', 'JPY', 'ISK', 'UGX');
  fc.assert(
    fc.property(currency, fc.bigInt(0n, 10n ** 12n), (code, amount) => {
      expect(fromStripe(toStripe(amount, code), code)).toBe(amount);
    }),
  );
});
