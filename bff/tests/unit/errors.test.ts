import { Code, ConnectError } from '@connectrpc/connect';
import { failedPrecondition, invalidArgument, notFound, refuse } from '@stoa/chassis/rpc/errors';
import { GraphQLError } from 'graphql/index.js';
import { describe, expect, test } from 'vitest';
import { failureOf, presentError, translatePath } from '../../src/graphql/errors.ts';

const TRACE = '0123456789abcdef0123456789abcdef';
const presented = (error: unknown) => presentError(error, TRACE).error.toJSON();

describe('the failure of a mutation', () => {
  test('an unreadable request names every field by its GraphQL path', () => {
    const error = invalidArgument([
      { field: 'lines[2].quantity', description: 'must be from 1 to 999' },
      { field: 'details.address.postal_code', description: 'must have 1 to 20 characters' },
    ]);
    expect(failureOf(error, { 'details.': '' })).toEqual({
      kind: 'InvalidInput',
      code: 'INVALID_ARGUMENT',
      message: 'lines[2].quantity: must be from 1 to 999; address.postalCode: must have 1 to 20 characters',
      retryable: false,
      fields: [
        { path: 'lines[2].quantity', message: 'must be from 1 to 999' },
        { path: 'address.postalCode', message: 'must have 1 to 20 characters' },
      ],
    });
  });

  test.each([
    [failedPrecondition('CART_EMPTY', 'the cart is empty'), 'CART_EMPTY', false],
    [notFound('CART_NOT_FOUND', 'no such cart'), 'CART_NOT_FOUND', false],
    [refuse(Code.AlreadyExists, 'KEY_REUSED', 'another request'), 'KEY_REUSED', false],
    [refuse(Code.Aborted, 'CART_REOPENING', 'repeat the request'), 'CART_REOPENING', true],
    [refuse(Code.ResourceExhausted, 'TOO_MANY_ATTEMPTS', 'later'), 'TOO_MANY_ATTEMPTS', true],
  ])('%s is Refused with the service’s reason', (error, code, retryable) => {
    expect(failureOf(error)).toEqual({ kind: 'Refused', code, message: error.rawMessage, retryable, details: [] });
  });

  test('what a service tells beside its reason gets through', () => {
    const error = failedPrecondition('CART_INCOMPLETE', 'the address is missing', { missing_fields: 'address' });
    expect(failureOf(error)).toMatchObject({ details: [{ name: 'missingFields', value: 'address' }] });
  });

  test('a refusal without a Stoa reason keeps its text to itself', () => {
    const failure = failureOf(new ConnectError('stream closed by peer 10.0.3.7', Code.ResourceExhausted));
    expect(failure).toMatchObject({ code: 'RATE_LIMITED', message: 'The request was refused.' });
  });

  test('bad credentials are an answer only where the mutation presents credentials', () => {
    const error = refuse(Code.Unauthenticated, 'BAD_CREDENTIALS', 'wrong');
    expect(failureOf(error)).toBeUndefined();
    expect(failureOf(error, {}, true)).toMatchObject({ kind: 'Refused', code: 'BAD_CREDENTIALS', retryable: false });
  });

  test.each([Code.Internal, Code.Unavailable, Code.DeadlineExceeded, Code.Unknown, Code.PermissionDenied])(
    'code %i is no expected failure',
    (code) => expect(failureOf(new ConnectError('x', code))).toBeUndefined(),
  );
});

describe('an entry of errors', () => {
  test('has a code and the trace id', () => {
    expect(presented(refuse(Code.Unauthenticated, 'TOKEN_EXPIRED', 'the access token has expired'))).toMatchObject({
      message: 'the access token has expired',
      extensions: { code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED', traceId: TRACE },
    });
    expect(presented(refuse(Code.PermissionDenied, 'STAFF_ONLY', 'x')).extensions).toMatchObject({ code: 'FORBIDDEN' });
    expect(presented(new ConnectError('connect ECONNREFUSED 10.1.2.3', Code.Unavailable))).toMatchObject({
      message: expect.not.stringContaining('10.1.2.3'),
      extensions: { code: 'UNAVAILABLE', retryable: true },
    });
    expect(presented(invalidArgument([{ field: 'order_id', description: 'must be a UUID' }])).extensions).toMatchObject(
      {
        code: 'BAD_USER_INPUT',
        fields: [{ path: 'orderId', message: 'must be a UUID' }],
      },
    );
  });

  test.each([
    new TypeError("Cannot read properties of undefined (reading 'minor')"),
    new ConnectError('duplicate key value violates unique constraint "order_pkey"', Code.Internal),
    new ConnectError('weird', Code.Unimplemented),
    'a thrown string',
  ])('of anything unexpected tells only that it happened: %s', (cause) => {
    const located = new GraphQLError(String(cause), { path: ['order'], originalError: cause as Error });
    const { error, bug } = presentError(typeof cause === 'string' ? cause : located, TRACE);
    expect(JSON.stringify(error)).toContain('Something went wrong on our side.');
    expect(JSON.stringify(error)).not.toMatch(/Cannot read|duplicate|weird|thrown/);
    expect(error.extensions).toEqual({ code: 'INTERNAL', traceId: TRACE });
    expect(error.originalError).toBeUndefined();
    expect(bug).toBe(cause);
  });

  test('what graphql itself wrote for clients passes', () => {
    expect(presented(new GraphQLError('Syntax Error: Unexpected Name "x".'))).toMatchObject({
      message: 'Syntax Error: Unexpected Name "x".',
      extensions: { code: 'BAD_USER_INPUT', traceId: TRACE },
    });
  });
});

test('field paths become camelCase and lose what the RPC nests', () => {
  expect(translatePath('details.shipping_method_id', { 'details.': '' })).toBe('shippingMethodId');
  expect(translatePath('lines[0].sku')).toBe('lines[0].sku');
  expect(translatePath('address.line1')).toBe('address.line1');
});
