import { Code } from '@connectrpc/connect';
import { violationsOf } from '@stoa/chassis/rpc/errors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { address, details, newCart, nobodysCart, openShop, refusal, refused, type Shop } from './open-shop.ts';

let shop: Shop;
let cartId: string;
beforeAll(async () => {
  shop = await openShop({ STOA_CURRENCIES: 'EUR,JPY' });
  cartId = (await newCart(shop)).id;
});
afterAll(() => shop.stop());

/** The fields at fault of a call that must be refused as unreadable. */
async function fields(call: Promise<unknown>): Promise<string[]> {
  const error = await refusal(call);
  expect(Code[error.code]).toBe('InvalidArgument');
  return violationsOf(error).map((violation) => violation.field);
}

const line = (quantity: number, sku = 'MUG') => ({ sku, quantity });
const BROKEN = ['A\0B', 'A\ud800B', 'A\udc00B'];

describe('ids', () => {
  test('a malformed cart id is refused by every operation', async () => {
    for (const wrong of ['', '1', "'; drop table cart", nobodysCart.slice(1), `${nobodysCart}0`, 'g'.repeat(36)]) {
      for (const call of [
        () => shop.guest.getCart({ cartId: wrong }),
        () => shop.guest.getCheckout({ cartId: wrong }),
        () => shop.guest.claimCart({ cartId: wrong }),
        () => shop.guest.addLines({ cartId: wrong, lines: [line(1)] }),
        () => shop.guest.updateLines({ cartId: wrong, lines: [line(1)] }),
        () => shop.guest.removeLines({ cartId: wrong, skus: ['MUG'] }),
        () => shop.guest.setDetails({ cartId: wrong, details }),
      ]) {
        const error = await refusal(call());
        // Claiming asks who is there before it reads.
        expect(['InvalidArgument', 'Unauthenticated']).toContain(Code[error.code]);
      }
    }
    expect(await fields(shop.guest.getCart({ cartId: 'x' }))).toEqual(['cart_id']);
  });

  test('an unknown cart is not found by any operation', async () => {
    for (const call of [
      () => shop.guest.getCart({ cartId: nobodysCart }),
      () => shop.guest.getCheckout({ cartId: nobodysCart }),
      () => shop.guest.addLines({ cartId: nobodysCart, lines: [line(1)] }),
      () => shop.guest.updateLines({ cartId: nobodysCart, lines: [line(1)] }),
      () => shop.guest.removeLines({ cartId: nobodysCart, skus: ['MUG'] }),
      () => shop.guest.setDetails({ cartId: nobodysCart, details }),
    ]) {
      expect(await refused(call())).toEqual(['NotFound', 'CART_NOT_FOUND']);
    }
  });

  test('an id in upper case is the same id', async () => {
    expect((await shop.guest.getCart({ cartId: cartId.toUpperCase() })).cart?.id).toBe(cartId);
  });
});

describe('lines', () => {
  test('quantities that cannot be are refused by field', async () => {
    for (const quantity of [0, -1, 1000, 2 ** 31 - 1, -(2 ** 31)]) {
      expect(await fields(shop.guest.addLines({ cartId, lines: [line(1), line(quantity)] }))).toEqual([
        'lines[1].quantity',
      ]);
      expect(await fields(shop.guest.createCart({ lines: [line(quantity)] }))).toEqual(['lines[0].quantity']);
    }
    for (const quantity of [-1, 1000]) {
      expect(await fields(shop.guest.updateLines({ cartId, lines: [line(quantity)] }))).toEqual(['lines[0].quantity']);
    }
  });

  test('SKUs that cannot be are refused by field', async () => {
    for (const sku of ['', '   ', 'S'.repeat(101), ...BROKEN]) {
      expect(await fields(shop.guest.addLines({ cartId, lines: [line(1, sku)] })), JSON.stringify(sku)).toEqual([
        'lines[0].sku',
      ]);
      expect(await fields(shop.guest.removeLines({ cartId, skus: ['MUG', sku] }))).toEqual(['skus[1]']);
    }
  });

  test('idempotency keys that cannot be are refused, and none is none', async () => {
    for (const idempotencyKey of ['two words', 'é', 'k'.repeat(201), 'tab\t']) {
      const adding = shop.guest.addLines({ cartId, lines: [line(1)], idempotencyKey });
      expect(await fields(adding), JSON.stringify(idempotencyKey)).toEqual(['idempotency_key']);
    }
  });

  test('none and too many at once are refused', async () => {
    const many = Array.from({ length: 101 }, (_, index) => line(1, `S${index}`));
    for (const lines of [[], many]) {
      expect(await fields(shop.guest.addLines({ cartId, lines }))).toEqual(['lines']);
      expect(await fields(shop.guest.updateLines({ cartId, lines }))).toEqual(['lines']);
      expect(await fields(shop.guest.removeLines({ cartId, skus: lines.map(({ sku }) => sku) }))).toEqual(['skus']);
    }
    expect(await fields(shop.guest.createCart({ lines: many }))).toEqual(['lines']);
  });

  test('two quantities for one article are refused when setting', async () => {
    expect(await fields(shop.guest.updateLines({ cartId, lines: [line(1), line(2, ' MUG ')] }))).toEqual(['lines']);
  });

  test('an SKU is text: quotes, percent signs and prototypes are unknown articles', async () => {
    for (const sku of ["'; drop table cart; --", '%', '__proto__', 'constructor', '💥']) {
      const { cart } = await shop.guest.addLines({ cartId, lines: [line(1, sku)] });
      expect(cart?.problems.map((problem) => problem.sku)).toEqual([sku]);
    }
  });
});

describe('details', () => {
  test('a currency that is unknown or not offered is refused', async () => {
    for (const currency of ['USD', 'eur', 'EURO', 'XXX', 'E\0R', '€']) {
      expect(await fields(shop.guest.createCart({ currency })), currency).toEqual(['currency']);
    }
  });

  test('an e-mail address must look like one', async () => {
    for (const email of ['', 'ada', 'ada@', 'ada@localhost', 'a b@c.example', `${'a'.repeat(250)}@example.org`]) {
      const wrong = await fields(shop.guest.setDetails({ cartId, details: { email } }));
      expect(new Set(wrong), email).toEqual(new Set(['details.email']));
    }
    for (const text of BROKEN) {
      expect(await fields(shop.guest.setDetails({ cartId, details: { email: `${text}@b.example` } }))).toContain(
        'details.email',
      );
    }
  });

  test('every field of an address that is missing or too long is named', async () => {
    const empty = { name: '', line1: ' ', line2: '', city: '', postalCode: '', country: '' };
    const names = ['name', 'line1', 'city', 'postal_code', 'country'].map((name) => `details.address.${name}`);
    expect(await fields(shop.guest.setDetails({ cartId, details: { address: empty } }))).toEqual(names);
    expect(await fields(shop.guest.createCart({ details: { address: {} } }))).toEqual(names);
    const long = 'x'.repeat(201);
    const huge = { name: long, line1: long, line2: long, city: long, postalCode: long, country: long };
    expect(await fields(shop.guest.setDetails({ cartId, details: { address: huge } }))).toHaveLength(6);
  });

  test('a country is a code that exists', async () => {
    for (const country of ['de', 'DEU', 'ZZ', 'EU', 'D\0']) {
      const wrong = { address: { ...address, country } };
      expect(await fields(shop.guest.setDetails({ cartId, details: wrong }))).toEqual(['details.address.country']);
    }
  });

  test('text that the database cannot store is refused', async () => {
    for (const text of BROKEN) {
      for (const field of ['name', 'line1', 'line2', 'city', 'postalCode'] as const) {
        const wrong = { address: { ...address, [field]: text } };
        expect(await fields(shop.guest.setDetails({ cartId, details: wrong }))).toHaveLength(1);
      }
      expect(await fields(shop.guest.setDetails({ cartId, details: { shippingMethodId: text } }))).toEqual([
        'details.shipping_method_id',
      ]);
    }
  });

  test('details must be given, and a shipping method must be named', async () => {
    expect(await fields(shop.guest.setDetails({ cartId }))).toEqual(['details']);
    expect(await fields(shop.guest.setDetails({ cartId, details: { shippingMethodId: '' } }))).toEqual([
      'details.shipping_method_id',
    ]);
  });

  test('everything wrong is told at once, and nothing was changed', async () => {
    const call = shop.guest.createCart({ currency: 'XXX', lines: [line(-1, '')], details: { email: 'x' } });
    expect(await fields(call)).toEqual(['currency', 'lines[0].sku', 'lines[0].quantity', 'details.email']);
    expect((await shop.guest.getCart({ cartId })).cart?.version).toBe(1n);
  });
});
