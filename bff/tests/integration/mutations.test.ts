import { Code, ConnectError } from '@connectrpc/connect';
import { failedPrecondition, invalidArgument, notFound, refuse } from '@stoa/chassis/rpc/errors';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { accessToken, type BffUnderTest, startBff } from '../bff-under-test.ts';
import { CART_ID, createFakes, ORDER_ID, USER } from '../fakes.ts';

const fakes = createFakes();
let bff: BffUnderTest;
beforeAll(async () => {
  bff = await startBff({ fakes: fakes.services });
});
afterEach(() => fakes.reset());
afterAll(() => bff.stop());

const FAILURES = `__typename
  ... on Failure { code message retryable }
  ... on InvalidInput { fields { path message } }`;

interface Case {
  readonly name: string;
  readonly method: string;
  readonly input: string;
  readonly select: string;
  /** What the payload holds. */
  readonly payload: object;
  /** What the service was asked. */
  readonly request: object;
}

const ADDRESS = '{ name: "Ada", line1: "1 Row", city: "Bern", postalCode: "3000", country: "CH" }';
const ADDRESS_SENT = { name: 'Ada', line1: '1 Row', line2: '', city: 'Bern', postalCode: '3000', country: 'CH' };
const CART = {
  select: 'cart { id totals { total { minor } } }',
  payload: { cart: { id: CART_ID, totals: { total: { minor: '2990' } } } },
};
const LINES = `cartId: "${CART_ID}", lines: [{ sku: "MUG-BLUE", quantity: 2 }]`;
const SESSION = {
  select: 'account { email } tokens { accessToken refreshToken }',
  payload: { account: { email: 'ada@example.com' }, tokens: { accessToken: 'access', refreshToken: 'refresh' } },
};

const CASES: readonly Case[] = [
  {
    name: 'cartCreate',
    method: 'createCart',
    input: `currency: "EUR", lines: [{ sku: "MUG-BLUE", quantity: 2 }], email: "ada@example.com", address: ${ADDRESS}, shippingMethodId: "std"`,
    request: {
      currency: 'EUR',
      lines: [{ sku: 'MUG-BLUE', quantity: 2 }],
      details: { email: 'ada@example.com', address: ADDRESS_SENT, shippingMethodId: 'std' },
    },
    ...CART,
  },
  {
    name: 'cartLinesAdd',
    method: 'addLines',
    input: LINES,
    request: { cartId: CART_ID, lines: [{ sku: 'MUG-BLUE', quantity: 2 }] },
    ...CART,
  },
  {
    name: 'cartLinesAdd',
    method: 'addLines',
    input: `${LINES}, idempotencyKey: "add-1"`,
    request: { idempotencyKey: 'add-1' },
    ...CART,
  },
  { name: 'cartLinesUpdate', method: 'updateLines', input: LINES, request: { cartId: CART_ID }, ...CART },
  {
    name: 'cartLinesRemove',
    method: 'removeLines',
    input: `cartId: "${CART_ID}", skus: ["A", "B"]`,
    request: { skus: ['A', 'B'] },
    ...CART,
  },
  {
    name: 'cartSetDetails',
    method: 'setDetails',
    input: `cartId: "${CART_ID}", address: ${ADDRESS}`,
    request: { cartId: CART_ID, details: { address: ADDRESS_SENT } },
    ...CART,
  },
  { name: 'cartClaim', method: 'claimCart', input: `cartId: "${CART_ID}"`, request: { cartId: CART_ID }, ...CART },
  {
    name: 'register',
    method: 'register',
    input: 'email: "ada@example.com", password: "12345678", name: "Ada"',
    request: { name: 'Ada' },
    ...SESSION,
  },
  {
    name: 'login',
    method: 'login',
    input: 'email: "ada@example.com", password: "12345678"',
    request: { email: 'ada@example.com' },
    ...SESSION,
  },
  {
    name: 'refresh',
    method: 'refresh',
    input: 'refreshToken: "old"',
    request: { refreshToken: 'old' },
    select: 'tokens { refreshToken }',
    payload: { tokens: { refreshToken: 'refresh' } },
  },
  {
    name: 'logout',
    method: 'logout',
    input: 'refreshToken: "old"',
    request: { refreshToken: 'old' },
    select: 'done',
    payload: { done: true },
  },
  {
    name: 'placeOrder',
    method: 'placeOrder',
    input: `cartId: "${CART_ID}", idempotencyKey: "key-12345678", paymentMethodId: "card", paymentToken: "ok", expectedTotal: { minor: "2990", currency: "EUR" }, waitMs: 3000`,
    request: {
      cartId: CART_ID,
      idempotencyKey: 'key-12345678',
      paymentMethodId: 'card',
      paymentToken: 'ok',
      expectedTotal: { minor: 2990n, currency: 'EUR' },
      waitMs: 3000,
    },
    select: 'accessToken repeated order { id number status step totals { total { formatted } } }',
    payload: {
      accessToken: 'order-token',
      repeated: false,
      order: {
        id: ORDER_ID,
        number: 'S-1001',
        status: 'PENDING',
        step: 'RESERVING',
        totals: { total: { formatted: '€29.90' } },
      },
    },
  },
  {
    name: 'cancelOrder',
    method: 'cancelOrder',
    input: `orderId: "${ORDER_ID}", accessToken: "order-token", reason: "changed my mind"`,
    request: { orderId: ORDER_ID, accessToken: 'order-token', reason: 'changed my mind' },
    select: 'order { status }',
    payload: { order: { status: 'CANCELLED' } },
  },
  {
    name: 'notificationPreferenceSet',
    method: 'setPreference',
    input: 'category: SHIPMENT, enabled: false',
    request: { preference: { enabled: false } },
    select: 'preferences { category enabled }',
    payload: { preferences: [{ category: 'SHIPMENT', enabled: false }] },
  },
];

async function run({ name, input, select }: Case) {
  const payload = `${name.charAt(0).toUpperCase()}${name.slice(1)}Payload`;
  const query = `mutation { ${name}(input: { ${input} }) { ${FAILURES} ... on ${payload} { ${select} } } }`;
  const answer = await bff.graphql(query, { token: accessToken(USER) });
  return { ...answer, result: answer.data?.[name], payload };
}

describe.each(CASES)('$name', (each) => {
  test('asks its service once, in its words, and answers the payload', async () => {
    const { errors, result, payload } = await run(each);
    expect(errors).toBeUndefined();
    expect(result).toEqual({ __typename: payload, ...each.payload });
    expect(fakes.asked).toHaveLength(1);
    expect(fakes.asked[0]).toMatchObject({ method: each.method, request: each.request });
  });

  test('answers unreadable input as InvalidInput with the paths of its own fields', async () => {
    fakes.answer(each.method, () => {
      throw invalidArgument([{ field: 'some_list[1].some_field', description: 'must be better' }]);
    });
    expect((await run(each)).result).toEqual({
      __typename: 'InvalidInput',
      code: 'INVALID_ARGUMENT',
      message: 'someList[1].someField: must be better',
      retryable: false,
      fields: [{ path: 'someList[1].someField', message: 'must be better' }],
    });
  });

  test.each([
    [failedPrecondition('SOME_REASON', 'not now'), 'SOME_REASON', false],
    [notFound('THING_NOT_FOUND', 'no such thing'), 'THING_NOT_FOUND', false],
    [refuse(Code.AlreadyExists, 'KEY_REUSED', 'another request had it'), 'KEY_REUSED', false],
    [refuse(Code.Aborted, 'CHANGED_MEANWHILE', 'try again'), 'CHANGED_MEANWHILE', true],
    [refuse(Code.ResourceExhausted, 'TOO_MANY_ATTEMPTS', 'later'), 'TOO_MANY_ATTEMPTS', true],
  ])('answers a refusal as Refused: %s', async (error, code, retryable) => {
    fakes.answer(each.method, () => {
      throw error;
    });
    const { result, errors } = await run(each);
    expect(errors).toBeUndefined();
    expect(result).toEqual({ __typename: 'Refused', code, message: error.rawMessage, retryable });
  });

  test('puts what is unexpected into errors, masked', async () => {
    fakes.answer(each.method, () => {
      throw new Error('select secret from vault at 10.0.0.7');
    });
    const { text, errors, headers } = await run(each);
    expect(text).not.toMatch(/secret|vault|10\.0\.0\.7/);
    expect(errors?.[0]).toMatchObject({
      message: 'Something went wrong on our side.',
      extensions: { code: 'INTERNAL', traceId: headers.get('x-trace-id') },
    });
    expect(bff.logged.join('')).toContain(headers.get('x-trace-id'));
  });

  test('says that a service which is away may be asked again', async () => {
    fakes.answer(each.method, () => {
      throw new ConnectError('connect ECONNREFUSED 10.0.0.7', Code.Unavailable);
    });
    const { errors, text } = await run(each);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(text).not.toContain('10.0.0.7');
  });
});

describe('sessions', () => {
  test('wrong credentials are an answer, and do not need a session', async () => {
    fakes.answer('login', () => {
      throw refuse(Code.Unauthenticated, 'BAD_CREDENTIALS', 'the address or the password is wrong');
    });
    const login = CASES.find(({ name }) => name === 'login') as Case;
    expect((await run(login)).result).toMatchObject({ __typename: 'Refused', code: 'BAD_CREDENTIALS' });
    expect(fakes.asked[0]?.header.get('authorization')).toBeNull();
  });

  test('an access token that is over does not stand in the way of refreshing it', async () => {
    const { data, errors } = await bff.graphql(
      'mutation { refresh(input: { refreshToken: "r" }) { ... on RefreshPayload { tokens { accessToken } } } }',
      { token: accessToken(USER, -30) },
    );
    expect(errors).toBeUndefined();
    expect(data.refresh.tokens.accessToken).toBe('access');
  });

  test('cartClaim without a session is the error UNAUTHENTICATED, as everywhere', async () => {
    const { errors } = await bff.graphql(`mutation { cartClaim(input: { cartId: "${CART_ID}" }) { __typename } }`);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'SIGN_IN_REQUIRED' });
  });
});

describe('what the BFF reads itself', () => {
  const place = (more: string) =>
    bff.graphql(
      `mutation { placeOrder(input: { cartId: "${CART_ID}", idempotencyKey: "key-12345678", paymentMethodId: "card", paymentToken: "ok", ${more} }) { ${FAILURES} } }`,
    );

  test('an expected total that is no integer, and a wait out of bounds, are InvalidInput together', async () => {
    const { data } = await place('expectedTotal: { minor: "29.90", currency: "EUR" }, waitMs: -1');
    expect(data.placeOrder).toMatchObject({
      __typename: 'InvalidInput',
      fields: [{ path: 'waitMs' }, { path: 'expectedTotal.minor' }],
    });
    expect(fakes.asked).toEqual([]);
  });

  test('placing an order without waiting answers at once', async () => {
    await place('waitMs: null');
    expect(fakes.asked[0]?.request).toMatchObject({ waitMs: 0 });
    expect(fakes.asked[0]?.request).not.toHaveProperty('expectedTotal');
  });

  test('details left out, or null, are not sent', async () => {
    await bff.graphql(`mutation { cartSetDetails(input: { cartId: "${CART_ID}", email: null }) { __typename } }`);
    for (const field of ['email', 'address', 'shippingMethodId']) {
      expect(fakes.asked[0]?.request.details).not.toHaveProperty(field);
    }
  });

  test('violations of nested details are told by the path of the flat input', async () => {
    fakes.answer('setDetails', () => {
      throw invalidArgument([{ field: 'details.address.postal_code', description: 'is too long' }]);
    });
    const { data } = await bff.graphql(
      `mutation { cartSetDetails(input: { cartId: "${CART_ID}", email: "x" }) { ${FAILURES} } }`,
    );
    expect(data.cartSetDetails.fields).toEqual([{ path: 'address.postalCode', message: 'is too long' }]);
  });
});
