import { zero } from '@stoa/proto/money';
import { describe, expect, test } from 'vitest';
import { readCurrencies } from '../../src/config/config.ts';
import type { Problem } from '../../src/domain/cart.ts';
import { refuseIncomplete, refuseProblems } from '../../src/domain/checkout.ts';
import { isCountry, isEmail } from '../../src/domain/contact.ts';
import { exampleAddress, exampleCart, exampleLine } from './examples.ts';

describe('checkout', () => {
  const complete = exampleCart({
    lines: [exampleLine()],
    email: 'a@b.example',
    address: exampleAddress,
    shippingMethodId: 'standard',
  });

  test('a complete cart is not refused', () => {
    expect(refuseIncomplete(complete)).toBeUndefined();
  });

  test('an ordered cart is refused for that, whatever else it lacks', () => {
    expect(refuseIncomplete(exampleCart({ orderId: 'o' }))).toMatchObject({
      reason: 'CART_ALREADY_ORDERED',
      metadata: { order_id: 'o' },
    });
  });

  test('an empty cart is refused before its details are looked at', () => {
    expect(refuseIncomplete(exampleCart())).toMatchObject({ reason: 'CART_EMPTY' });
  });

  test('everything that is missing is named', () => {
    expect(refuseIncomplete(exampleCart({ lines: [exampleLine()] }))).toMatchObject({
      reason: 'CART_INCOMPLETE',
      metadata: { missing: 'email,address,shipping_method_id' },
    });
    expect(refuseIncomplete({ ...complete, address: undefined })?.metadata).toEqual({ missing: 'address' });
  });

  test('only blocking problems refuse, and each is listed', () => {
    const problem = (kind: Problem['kind'], sku: string, blocking: boolean) => ({ kind, sku, blocking, message: '' });
    const nothing = zero('EUR');
    const priced = (...problems: Problem[]) => ({
      cart: complete,
      lines: [],
      totals: { subtotal: nothing, shipping: nothing, tax: nothing, total: nothing },
      problems,
    });
    expect(refuseProblems(priced(problem('PRICE_CHANGED', 'MUG', false)))).toBeUndefined();
    expect(
      refuseProblems(
        priced(
          problem('PRICE_CHANGED', 'MUG', false),
          problem('OUT_OF_STOCK', 'MUG', true),
          problem('SHIPPING_METHOD_INVALID', '', true),
        ),
      ),
    ).toMatchObject({
      reason: 'CART_HAS_PROBLEMS',
      metadata: { problems: 'OUT_OF_STOCK:MUG,SHIPPING_METHOD_INVALID' },
    });
  });
});

describe('contact', () => {
  test('addresses that mail can reach are accepted', () => {
    for (const email of [
      'a@b.example',
      "o'neil+shop@mail.co.uk",
      'jörg@müller.de',
      'x@a-b.xn--p1ai',
      '用户@例子.广告',
    ]) {
      expect(isEmail(email), email).toBe(true);
    }
  });

  test('what is no e-mail address is refused', () => {
    const long = `${'a'.repeat(65)}@b.example`;
    const wrong = ['', 'a', '@b.example', 'a@', 'a@b', 'a b@c.example', 'a@b..c', '.a@b.cd', 'a.@b.cd', 'a..b@c.de'];
    for (const email of [...wrong, 'a@-b.de', 'a@b.de.', 'a@1.2.3.4', 'a@b@c.de x', 'a\n@b.de', '<a@b.de>', long]) {
      expect(isEmail(email), email).toBe(false);
    }
  });

  test('a country is one of the 249 of ISO 3166-1, in upper case', () => {
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
    const codes = letters.flatMap((a) => letters.map((b) => a + b)).filter(isCountry);
    expect(codes).toHaveLength(249);
    for (const code of ['', 'de', 'UK', 'EU', 'ZZ', 'DEU']) expect(isCountry(code), code).toBe(false);
  });
});

describe('offered currencies', () => {
  test('the first one is the default, and blanks do not matter', () => {
    expect(readCurrencies('EUR, JPY')).toEqual(['EUR', 'JPY']);
  });

  test('a currency that does not exist stops the start and is named', () => {
    expect(() => readCurrencies('EUR,EURO,')).toThrow('"EURO", ""');
  });
});
