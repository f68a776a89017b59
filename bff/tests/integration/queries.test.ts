import { Code, ConnectError } from '@connectrpc/connect';
import { invalidArgument, notFound, refuse } from '@stoa/chassis/rpc/errors';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { accessToken, type BffUnderTest, startBff } from '../bff-under-test.ts';
import { aVariant, CART_ID, createFakes, ORDER_ID, PRODUCT_ID, USER } from '../fakes.ts';

const fakes = createFakes();
let bff: BffUnderTest;
beforeAll(async () => {
  bff = await startBff({ fakes: fakes.services });
});
afterEach(() => fakes.reset());
afterAll(() => bff.stop());

const token = accessToken(USER);
const methods = () => fakes.asked.map(({ method }) => method);

describe('catalog', () => {
  test('a product page is one look-up, two with its categories', async () => {
    const { data, errors } = await bff.graphql(`{
      product(slug: "mug") {
        id name availability priceFrom { formatted } categories { name }
        options { name values }
        variants { sku price { minor currency formatted } options { name value } availability }
      }
    }`);
    expect(errors).toBeUndefined();
    expect(data.product).toEqual({
      id: PRODUCT_ID,
      name: 'Mug',
      availability: 'LOW',
      priceFrom: { formatted: '€12.50' },
      categories: [{ name: 'Kitchen' }],
      options: [{ name: 'Colour', values: ['Blue'] }],
      variants: [
        {
          sku: 'MUG-BLUE',
          price: { minor: '1250', currency: 'EUR', formatted: '€12.50' },
          options: [{ name: 'Colour', value: 'Blue' }],
          availability: 'LOW',
        },
      ],
    });
    expect(methods()).toEqual(['getProduct', 'listCategories']);
  });

  test('products are a connection; filter, sort and page reach the catalog', async () => {
    const { data } = await bff.graphql(`{
      products(first: 5, after: "c0", sort: PRICE_ASC, filter: { category: "kitchen", inStock: true, priceMax: "5000" }) {
        edges { cursor node { slug } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }`);
    expect(data.products).toEqual({
      edges: [{ cursor: 'c1', node: { slug: 'mug' } }],
      pageInfo: { hasNextPage: true, hasPreviousPage: true, startCursor: 'c1', endCursor: 'c1' },
    });
    expect(fakes.asked[0]?.request).toMatchObject({
      page: { first: 5, after: 'c0' },
      filter: { categorySlug: 'kitchen', inStock: true, priceMinMinor: 0n, priceMaxMinor: 5000n },
      sort: 2,
      withoutVariants: true,
    });
  });

  test.each([
    ['edges { node { name } }', true, true],
    ['edges { node { ...card } }', true, true],
    ['facets { categories { count } } edges { node { ...full } }', false, false],
    ['facets @include(if: false) { categories { count } } edges { node { ... { variants { sku } } } }', false, false],
  ])('search { %s } leaves out of the look-up what is not shown', async (selection, withoutVariants, withoutFacets) => {
    const used = ['card', 'full'].filter((name) => selection.includes(name));
    const fragments = { card: 'name', full: 'name variants { sku }' } as Record<string, string>;
    const spread = used.map((name) => `fragment ${name} on Product { ${fragments[name]} }`).join(' ');
    const { errors } = await bff.graphql(`{ search(term: "mug") { ${selection} } } ${spread}`);
    expect(errors).toBeUndefined();
    expect(fakes.asked[0]?.request).toMatchObject({ withoutVariants, withoutFacets });
  });

  test('search tells total and facets of the whole result', async () => {
    const { data, errors } = await bff.graphql(`{
      search(term: "mug") { total facets { categories { count category { slug } } } edges { node { name } } }
    }`);
    expect(errors).toBeUndefined();
    expect(data.search).toEqual({
      total: 7,
      facets: { categories: [{ count: 7, category: { slug: 'kitchen' } }] },
      edges: [{ node: { name: 'Mug' } }],
    });
  });

  test('categories are asked for once, however many products show theirs', async () => {
    await bff.graphql(
      '{ a: product(slug: "a") { categories { id } } b: product(slug: "b") { categories { id } } categories { id } }',
    );
    expect(methods().filter((method) => method === 'listCategories')).toHaveLength(1);
  });
});

describe('carts and checkout', () => {
  test('variants of all lines are one look-up', async () => {
    fakes.answer('getCart', () => ({
      cart: { id: CART_ID, lines: ['MUG-BLUE', 'GONE', 'MUG-BLUE'].map((sku) => ({ sku, quantity: 1 })) },
    }));
    const { data, errors } = await bff.graphql(
      `{ cart(id: "${CART_ID}") { status lines { sku unitPrice { minor } variant { name } } } }`,
    );
    expect(errors).toBeUndefined();
    expect(data.cart.lines.map(({ variant }: { variant: unknown }) => variant)).toEqual([
      { name: 'Blue' },
      null,
      { name: 'Blue' },
    ]);
    expect(fakes.asked.at(-1)).toMatchObject({ method: 'getVariants', request: { skus: ['MUG-BLUE', 'GONE'] } });
    expect(fakes.asked).toHaveLength(2);
  });

  test('a problem of a kind that is not known yet still shows', async () => {
    fakes.answer('getCart', () => ({
      cart: { id: CART_ID, problems: [{ kind: 99, message: 'odd', blocking: true }] },
    }));
    const { data } = await bff.graphql(`{ cart(id: "${CART_ID}") { problems { kind message sku blocking } } }`);
    expect(data.cart.problems).toEqual([{ kind: 'OTHER', message: 'odd', sku: null, blocking: true }]);
  });

  test('ways to ship and to pay', async () => {
    const { data } = await bff.graphql(`{
      shippingMethods(country: "DE", currency: "EUR") { id price { formatted } countries }
      paymentMethods { id sampleTokens }
    }`);
    expect(data.shippingMethods).toEqual([{ id: 'std', price: { formatted: '€4.90' }, countries: [] }]);
    expect(data.paymentMethods).toEqual([{ id: 'card', sampleTokens: ['ok'] }]);
    expect(fakes.asked[0]?.request).toMatchObject({ country: 'DE', currency: 'EUR' });
  });

  test('shipping prices are in the shop’s currency where none is named', async () => {
    await bff.graphql('{ shippingMethods { id } }');
    expect(fakes.asked[0]?.request).toMatchObject({ country: '', currency: 'EUR' });
  });
});

describe('orders', () => {
  test('a guest’s access token goes with the order and with its history', async () => {
    const { data, errors } = await bff.graphql(`{
      order(id: "${ORDER_ID}", accessToken: "order-token", asOf: "2026-01-31T12:00:00+01:00") {
        placedAt history { version type } payment { state captured { minor } } shipment { trackingNumber }
      }
    }`);
    expect(errors).toBeUndefined();
    expect(data.order).toEqual({
      placedAt: '2027-01-15T08:00:00.000Z',
      // Version 3 happened after the order was read.
      history: [
        { version: 1, type: 'OrderPlaced' },
        { version: 2, type: 'OrderPlaced' },
      ],
      payment: { state: 'CAPTURED', captured: { minor: '2990' } },
      shipment: { trackingNumber: 'T1' },
    });
    const asked = Object.fromEntries(fakes.asked.map(({ method, request }) => [method, request]));
    expect(asked.getOrder).toMatchObject({
      orderId: ORDER_ID,
      accessToken: 'order-token',
      asOf: { seconds: 1_769_857_200n },
    });
    expect(asked.getOrderHistories.orders).toMatchObject([{ orderId: ORDER_ID, accessToken: 'order-token' }]);
  });

  test('payment and shipment are read as the BFF itself, never for an order that was not read', async () => {
    await bff.graphql(`{ order(id: "${ORDER_ID}") { payment { state } } }`, { token });
    const payment = fakes.asked.find(({ method }) => method === 'getPayments');
    expect(payment?.header.get('authorization')).toBeNull();
    fakes.reset();
    fakes.answer('getOrder', () => {
      throw notFound('ORDER_NOT_FOUND', 'no such order');
    });
    const { data } = await bff.graphql(`{ order(id: "${ORDER_ID}") { payment { state } } }`, { token });
    expect(data.order).toBeNull();
    expect(methods()).toEqual(['getOrder']);
  });

  test('the customer’s orders need a session', async () => {
    const query = '{ orders(first: 2) { edges { node { number } } } }';
    expect((await bff.graphql(query)).errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect((await bff.graphql(query, { token })).data.orders.edges).toEqual([{ node: { number: 'S-1001' } }]);
  });

  test('the longest page with all that hangs on its orders is one look-up for each kind', async () => {
    fakes.answer('listOrders', () => ({
      edges: Array.from({ length: 100 }, (_, index) => ({
        order: { id: `o${index}`, status: 1, version: 3n },
        cursor: `${index}`,
      })),
    }));
    const { data, errors } = await bff.graphql(
      '{ orders(first: 100) { edges { node { history { type } payment { state } shipment { trackingNumber } } } } }',
      { token },
    );
    expect(errors).toBeUndefined();
    expect(data.orders.edges).toHaveLength(100);
    expect(data.orders.edges[99].node).toMatchObject({
      history: [{}, {}, {}],
      payment: { state: 'CAPTURED' },
      shipment: { trackingNumber: 'T1' },
    });
    expect(methods().toSorted()).toEqual(['getOrderHistories', 'getPayments', 'getShipments', 'listOrders']);
  });

  test('states that a newer service knows show as OTHER', async () => {
    const state = 99;
    fakes.answer('getOrder', () => ({ order: { id: ORDER_ID, status: 99, step: 99, version: 3n } }));
    fakes.answer('getOrderHistories', () => ({
      histories: [{ orderId: ORDER_ID, entries: [{ version: 1n, type: 'OrderReturned', status: 99 }] }],
    }));
    fakes.answer('getPayments', () => ({ payments: [{ payment: { orderId: ORDER_ID, state } }] }));
    fakes.answer('getShipments', () => ({ shipments: [{ id: 's1', orderId: ORDER_ID, state }] }));
    const { data, errors } = await bff.graphql(
      `{ order(id: "${ORDER_ID}") { status step history { status } payment { state } shipment { state } } }`,
    );
    expect(errors).toBeUndefined();
    expect(data.order).toEqual({
      status: 'OTHER',
      step: null,
      history: [{ status: 'OTHER' }],
      payment: { state: 'OTHER' },
      shipment: { state: 'OTHER' },
    });
  });

  test('what does not exist among the orders of a page is null, and no error', async () => {
    for (const method of ['getOrderHistories', 'getPayments', 'getShipments']) fakes.answer(method, () => ({}));
    const { data, errors } = await bff.graphql(
      '{ orders { edges { node { history { type } payment { state } shipment { id } } } } }',
      { token },
    );
    expect(errors).toBeUndefined();
    expect(data.orders.edges[0].node).toEqual({ history: null, payment: null, shipment: null });
  });

  test('a query that would cause more than 60 look-ups ends with LIMIT_EXCEEDED', async () => {
    // 200 SKUs are one look-up.
    const lines = Array.from({ length: 13_000 }, (_, index) => ({ sku: `SKU-${index}` }));
    fakes.answer('listOrders', () => ({ edges: [{ order: { id: ORDER_ID, status: 1, lines }, cursor: 'o1' }] }));
    const { errors } = await bff.graphql('{ orders { edges { node { lines { variant { sku } } } } } }', { token });
    expect(new Set(errors?.map(({ extensions }) => extensions.code))).toEqual(new Set(['LIMIT_EXCEEDED']));
    expect(fakes.asked.length).toBeLessThanOrEqual(60);
  });
});

describe('who is signed in', () => {
  test('me is the account, or null for a guest', async () => {
    expect((await bff.graphql('{ me { email role } }', { token })).data.me).toEqual({
      email: 'ada@example.com',
      role: 'CUSTOMER',
    });
    fakes.reset();
    expect((await bff.graphql('{ me { email } }')).data.me).toBeNull();
    expect(fakes.asked).toEqual([]);
  });

  test.each([
    ['a token that is over', `Bearer ${accessToken(USER, -30)}`, 'TOKEN_EXPIRED'],
    ['a token that is none', 'Bearer garbage', 'TOKEN_INVALID'],
    ['another scheme', 'Basic YTpi', 'TOKEN_INVALID'],
    ['no token behind the scheme', 'Bearer ', 'TOKEN_INVALID'],
  ])('%s is refused also where none is needed', async (_, authorization, reason) => {
    for (const query of ['{ categories { id } }', `{ cart(id: "${CART_ID}") { id } }`, '{ me { id } }']) {
      const { errors } = await bff.graphql(query, { headers: { authorization } });
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED', reason });
    }
  });

  test('notification preferences are the customer’s', async () => {
    const query = '{ notificationPreferences { category enabled } }';
    expect((await bff.graphql(query, { token })).data.notificationPreferences).toEqual([
      { category: 'SHIPMENT', enabled: true },
    ]);
    expect((await bff.graphql(query)).errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

describe('what is not there or cannot be read', () => {
  test.each([
    ['product', 'getProduct', '{ product(slug: "x") { id } }'],
    ['product', 'getProduct', `{ product(id: "${PRODUCT_ID}") { id } }`],
    ['cart', 'getCart', `{ cart(id: "${CART_ID}") { id } }`],
    ['order', 'getOrder', `{ order(id: "${ORDER_ID}") { id } }`],
  ])('%s is null when %s finds nothing: %s', async (field, method, query) => {
    fakes.answer(method, () => {
      throw notFound('THING_NOT_FOUND', 'no such thing');
    });
    const { data, errors } = await bff.graphql(query);
    expect(data[field]).toBeNull();
    expect(errors).toBeUndefined();
  });

  test('a malformed id is BAD_USER_INPUT with the field', async () => {
    fakes.answer('getOrder', () => {
      throw invalidArgument([{ field: 'order_id', description: 'must be a UUID' }]);
    });
    const { errors } = await bff.graphql('{ order(id: "\' or 1=1 --") { id } }');
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'id', message: 'must be a UUID' }],
    });
    expect(errors?.[0]?.message).toBe('id: must be a UUID');
  });

  test.each([
    ['{ product { id } }', 'id'],
    ['{ product(id: "a", slug: "b") { id } }', 'id'],
    ['{ products(first: 0) { edges { cursor } } }', 'first'],
    ['{ products(first: -1) { edges { cursor } } }', 'first'],
    ['{ products(first: 101) { edges { cursor } } }', 'first'],
    ['{ products(filter: { priceMin: "1.5" }) { edges { cursor } } }', 'filter.priceMin'],
  ])('%s is refused at %s before any service is asked', async (query, path) => {
    const { errors } = await bff.graphql(query);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path }] });
    expect(fakes.asked).toEqual([]);
  });

  test('a date that is none is BAD_USER_INPUT, as a variable and in the query', async () => {
    const query = 'query($at: DateTime) { order(id: "x", asOf: $at) { id } }';
    expect((await bff.graphql(query, { variables: { at: 'yesterday' } })).errors?.[0]?.extensions.code).toBe(
      'BAD_USER_INPUT',
    );
    const literal = await bff.graphql('{ order(id: "x", asOf: "yesterday") { id } }');
    expect(literal.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });

  test('what was forbidden is FORBIDDEN and says no more', async () => {
    fakes.answer('getCart', () => {
      throw refuse(Code.PermissionDenied, 'STAFF_ONLY', 'only the warehouse team in Ulm');
    });
    const { errors, text } = await bff.graphql(`{ cart(id: "${CART_ID}") { id } }`);
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    expect(text).not.toContain('Ulm');
  });

  test('a service that is away does not take the rest of the page with it', async () => {
    fakes.answer('listMethods', () => {
      throw new ConnectError('away', Code.Unavailable);
    });
    const { data, errors } = await bff.graphql('{ categories { slug } shippingMethods { id } paymentMethods { id } }');
    expect(data).toEqual({ categories: [{ slug: 'kitchen' }], shippingMethods: null, paymentMethods: null });
    expect(errors).toHaveLength(2);
  });

  test('one field that fails leaves the others', async () => {
    fakes.answer('getVariants', () => {
      throw new ConnectError('away', Code.Unavailable);
    });
    const { data, errors } = await bff.graphql(`{ cart(id: "${CART_ID}") { lines { sku variant { name } } } }`);
    expect(data.cart.lines).toEqual([{ sku: aVariant.sku, variant: null }]);
    expect(errors?.[0]).toMatchObject({ path: ['cart', 'lines', 0, 'variant'], extensions: { code: 'UNAVAILABLE' } });
  });
});
