// Carts and quotes to start a test from.
import { money } from '@stoa/proto/money';
import fc from 'fast-check';
import type { Cart, Line } from '../../src/domain/cart.ts';
import type { VariantQuote } from '../../src/domain/quote.ts';

export function exampleQuote(over: Partial<VariantQuote> = {}): VariantQuote {
  return {
    price: money('EUR', 1999n),
    priceVersion: 1,
    productId: 'p',
    productName: 'Mug',
    variantName: 'Blue',
    imageUrl: '',
    inStock: true,
    ...over,
  };
}

export function exampleLine(over: Partial<Line> = {}): Line {
  return {
    sku: 'MUG',
    quantity: 1,
    unitMinor: 1999n,
    priceVersion: 1,
    productId: 'p',
    productName: 'Mug',
    variantName: 'Blue',
    imageUrl: '',
    ...over,
  };
}

export function exampleCart(over: Partial<Cart> = {}): Cart {
  return {
    id: '0190a000-0000-7000-8000-000000000001',
    version: 1n,
    customerId: undefined,
    currency: 'EUR',
    lines: [],
    email: undefined,
    address: undefined,
    shippingMethodId: undefined,
    additions: [],
    orderId: undefined,
    updatedAt: new Date(0),
    ...over,
  };
}

export const exampleAddress = {
  name: 'Ada',
  line1: '1 Road',
  line2: '',
  city: 'Berlin',
  postalCode: '10115',
  country: 'DE',
};

/** Lines of any quantity and price, each article once. */
export const someLines = fc
  .uniqueArray(
    fc.record({
      sku: fc.stringMatching(/^[A-Z]{1,3}$/),
      quantity: fc.integer({ min: 1, max: 999 }),
      minor: fc.bigInt(0n, 10n ** 9n),
    }),
    { selector: (line) => line.sku, maxLength: 20 },
  )
  .map((list) => list.map(({ sku, quantity, minor }) => exampleLine({ sku, quantity, unitMinor: minor })));
