// Whatever cannot be right is told so, by a stable code, and leaves no trace.

import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ask, post } from '../support/http.ts';
import type { Shop } from '../support/shop.ts';
import { done, fullCart, plentifulSkus, purchase, withStorefront } from '../support/shopper.ts';

const CREATE = `mutation ($input: CartCreateInput!) { cartCreate(input: $input) {
  __typename ... on Failure { code message } ... on InvalidInput { fields { path } }
  ... on CartCreatePayload { cart { id lines { sku } problems { kind sku blocking } } }
} }`;
const PLACE = `mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) {
  __typename ... on Failure { code message } ... on InvalidInput { fields { path } }
} }`;

export function badInput(shop: () => Shop): void {
  describe('bad input is refused and nothing is stored:', () => {
    let before: object;
    let cartId: string;
    let sku: string;
    beforeEach(async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        [sku = ''] = await plentifulSkus(storefront);
        cartId = await fullCart(storefront, [{ sku, quantity: 1 }]);
      });
      before = await stored(shop());
    });
    afterEach(async () => expect(await stored(shop())).toEqual(before));

    const create = async (input: object) => (await ask(shop().url, CREATE, { input })).data.cartCreate;
    const place = async (input: object) =>
      (await ask(shop().url, PLACE, { input: { ...purchase(cartId), ...input } })).data.placeOrder;

    cartInput(shop, create, () => sku);
    orderInput(place, () => cartId);
    badTokens(shop, () => cartId);
    badRequests(shop);
  });

  describe('a cart that cannot be ordered', () => {
    test('because it is empty, incomplete or of unknown products, is refused by name', async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        const [sku = ''] = await plentifulSkus(storefront);
        const { cart: empty } = done(await storefront.createCart({}));
        expect(await storefront.placeOrder(purchase(empty.id))).toMatchObject({ code: 'CART_EMPTY' });
        const { cart: bare } = done(await storefront.createCart({ lines: [{ sku, quantity: 1 }] }));
        expect(await storefront.placeOrder(purchase(bare.id))).toMatchObject({ code: 'CART_INCOMPLETE' });
        const { cart: unknown } = done(await storefront.createCart({ lines: [{ sku: 'NO-SUCH-SKU', quantity: 1 }] }));
        expect(unknown).toMatchObject({ lines: [], problems: [{ kind: 'UNKNOWN_SKU', sku: 'NO-SUCH-SKU' }] });
        const { cart: foreign } = done(await storefront.createCart({ currency: 'USD', lines: [{ sku, quantity: 1 }] }));
        expect(foreign).toMatchObject({ lines: [], problems: [{ kind: 'WRONG_CURRENCY', sku }] });
      });
    });
  });
}

type Mutate = (input: object) => Promise<object>;

function cartInput(shop: () => Shop, create: Mutate, sku: () => string): void {
  test.each([0, -1, -2_147_483_648, 1_000, 2_147_483_647])('a quantity of %d', async (quantity) => {
    expect(await create({ lines: [{ sku: sku(), quantity }] })).toMatchObject({
      __typename: 'InvalidInput',
      fields: [{ path: 'lines[0].quantity' }],
    });
  });

  test('a quantity that is no 32-bit number', async () => {
    for (const quantity of [2 ** 31, 1.5, '3', null]) {
      const { data, errors } = await ask(shop().url, CREATE, { input: { lines: [{ sku: sku(), quantity }] } });
      expect(data ?? undefined).toBeUndefined();
      expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    }
  });

  test('a currency that is none, an e-mail that is none, a country that is none: all told at once', async () => {
    const address = { name: 'A', line1: 'B', city: 'C', postalCode: 'D', country: 'Germany' };
    const refused = await create({ email: 'nobody', address, lines: [{ sku: '', quantity: 1 }] });
    expect(refused).toMatchObject({ __typename: 'InvalidInput', code: 'INVALID_ARGUMENT' });
    expect((refused as { fields: { path: string }[] }).fields.map(({ path }) => path).sort()).toEqual([
      'address.country',
      'email',
      'lines[0].sku',
    ]);
    expect(await create({ currency: 'euro' })).toMatchObject({ __typename: 'InvalidInput' });
  });
}

function orderInput(place: Mutate, cartId: () => string): void {
  test('a cart id that is no id, and one that nobody has', async () => {
    for (const bad of ['', 'x', "' or 1=1 --", `${randomUUID()}0`]) {
      expect(await place({ cartId: bad })).toMatchObject({
        __typename: 'InvalidInput',
        fields: [{ path: 'cartId' }],
      });
    }
    expect(await place({ cartId: randomUUID() })).toMatchObject({ __typename: 'Refused', code: 'CART_NOT_FOUND' });
  });

  test('an idempotency key that is too short, too long, or holds what cannot be printed', async () => {
    for (const idempotencyKey of ['', '1234567', 'x'.repeat(201), 'with a space', 'zero\u0000byte']) {
      expect(await place({ cartId: cartId(), idempotencyKey })).toMatchObject({
        __typename: 'InvalidInput',
        fields: expect.arrayContaining([{ path: 'idempotencyKey' }]),
      });
    }
  });

  test('an unknown payment method', async () => {
    expect(await place({ paymentMethodId: 'cheque' })).toMatchObject({ code: 'PAYMENT_METHOD_INVALID' });
  });

  test('another total or currency than the shown one', async () => {
    for (const expectedTotal of [
      { currency: 'EUR', minor: '1' },
      { currency: 'USD', minor: '1' },
    ]) {
      expect(await place({ expectedTotal })).toMatchObject({ __typename: 'Refused', code: 'PRICE_CHANGED' });
    }
    expect(await place({ expectedTotal: { currency: 'EUR', minor: '-1' } })).toMatchObject({
      __typename: 'InvalidInput',
    });
  });

  test('a wait of more than five seconds', async () => {
    expect(await place({ waitMs: 5_001 })).toMatchObject({ fields: [{ path: 'waitMs' }] });
  });
}

function badTokens(shop: () => Shop, cartId: () => string): void {
  test('a token that is over, that somebody else has signed, or that is none', async () => {
    const expired = await expiredToken(shop());
    const forged = `${expired.slice(0, expired.lastIndexOf('.'))}.${Buffer.alloc(64, 7).toString('base64url')}`;
    for (const authorization of [`Bearer ${expired}`, `Bearer ${forged}`, 'Bearer garbage', 'Basic YTpi']) {
      const { errors } = await ask(shop().url, PLACE, { input: purchase(cartId()) }, { authorization });
      expect(errors?.[0]?.extensions.code, authorization.slice(0, 20)).toBe('UNAUTHENTICATED');
    }
  });
}

function badRequests(shop: () => Shop): void {
  test('a body that is too large, not UTF-8, not JSON, or not GraphQL', async () => {
    const query = 'mutation { cartCreate(input: { email: "a@b.test" }) { __typename } }';
    const large = await post(shop().url, JSON.stringify({ query, variables: { pad: 'x'.repeat(70_000) } }));
    expect(large).toMatchObject({ status: 413, errors: [{ extensions: { code: 'BODY_TOO_LARGE' } }] });
    const text = JSON.stringify({ query: query.replace('a@b', 'a\u00e9@b') });
    const invalid = Uint8Array.from(Buffer.from(text, 'latin1'));
    const notUtf8 = await post(shop().url, invalid);
    expect(notUtf8).toMatchObject({ status: 400, errors: [{ extensions: { code: 'BODY_NOT_UTF8' } }] });
    for (const body of ['{', '[]', '"text"', '{"query":1}', '{"query":"{"}', '{"query":"{ nothing }"}']) {
      const { data, errors } = await post(shop().url, body);
      expect(data ?? undefined, body).toBeUndefined();
      expect(errors?.[0]?.extensions.code, body).toMatch(/^[A-Z_]+$/);
    }
  });

  test('a document that is too deep, has too many aliases, or tries passwords by the dozen', async () => {
    const deep = `{ ${'a { '.repeat(12)} b ${'}'.repeat(12)} }`;
    const aliases = `{ me { ${Array.from({ length: 16 }, (_, n) => `a${n}: email`).join(' ')} } }`;
    const login = 'login(input: { email: "a@b.test", password: "12345678" }) { __typename }';
    const guesses = `mutation { one: ${login} two: ${login} }`;
    for (const query of [deep, aliases, guesses]) {
      const { data, errors } = await ask(shop().url, query);
      expect(data ?? undefined).toBeUndefined();
      expect(errors?.[0]?.extensions.code).toBe('LIMIT_EXCEEDED');
    }
  });
}

/** How much there is of everything that a request could have left behind. */
async function stored(shop: Shop): Promise<object> {
  const count = async (database: string, tables: readonly string[]) => {
    const counts = tables.map((table) => `(select count(*)::int from ${table}) as ${table}`);
    return (await shop.rows(database, `select ${counts.join(', ')}`))[0];
  };
  return {
    ...(await count('orders', ['orders', 'idempotency_key'])),
    ...(await count('cart', ['cart'])),
    ...(await count('payments', ['payment'])),
    ...(await count('identity', ['account', 'session', 'login_throttle'])),
  };
}

/** As identity signs them, with its own key, but over since an hour. */
async function expiredToken(shop: Shop): Promise<string> {
  const newest = 'select kid, seed from signing_key where active_from <= now() order by active_from desc limit 1';
  const [key] = await shop.rows<{ kid: string; seed: Buffer }>('identity', newest);
  if (key === undefined) throw new Error('identity has no signing key');
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), key.seed]);
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = part({ alg: 'EdDSA', typ: 'at+jwt', kid: key.kid });
  const claims = { iss: 'stoa', aud: 'stoa', sub: randomUUID(), role: 'customer', jti: randomUUID() };
  const signed = `${header}.${part({ ...claims, iat: now - 4200, exp: now - 3600 })}`;
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
}
