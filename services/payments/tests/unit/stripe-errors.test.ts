// What Stripe's errors mean: every class of the SDK for this API, and no guess about any other.
import Stripe from 'stripe';
import { expect, test } from 'vitest';
import { isKeptError, readFailure } from '../../src/infrastructure/stripe/errors.ts';

const { errors } = Stripe;
const raw = (more: object) => ({ message: '', type: 'api_error', ...more }) as never;

test.each([
  [new errors.StripeCardError(raw({ code: 'card_declined', decline_code: 'generic_decline' })), 'CARD_DECLINED'],
  [
    new errors.StripeCardError(raw({ code: 'card_declined', decline_code: 'insufficient_funds' })),
    'INSUFFICIENT_FUNDS',
  ],
  [new errors.StripeCardError(raw({ code: 'authentication_required' })), 'AUTHENTICATION_REQUIRED'],
  [new errors.StripeCardError(raw({ code: 'expired_card' })), 'CARD_DECLINED'],
])('a card error is a refusal: %o', (error, code) => {
  expect(readFailure(error)).toEqual({ kind: 'card', code });
});

test.each([
  [new errors.StripeRateLimitError(raw({ statusCode: 429 })), 'unknown', 'RATE_LIMITED'],
  [new errors.StripeAPIError(raw({ statusCode: 500 })), 'unknown', 'PROVIDER_ERROR'],
  [new errors.StripeAPIError(raw({ statusCode: 409 })), 'unknown', 'IN_PROGRESS'],
  [new errors.StripeAPIError(raw({})), 'unknown', 'UNREADABLE_ANSWER'],
  [new errors.StripeConnectionError(raw({})), 'unknown', 'CALL_FAILED'],
  [new errors.StripeIdempotencyError(raw({ statusCode: 400 })), 'unknown', 'IDEMPOTENCY_KEY_REUSED'],
  [new errors.StripeAuthenticationError(raw({ statusCode: 401 })), 'error', 'PROVIDER_REFUSES_KEY'],
  [new errors.StripePermissionError(raw({ statusCode: 403 })), 'error', 'PROVIDER_REFUSES_KEY'],
  [new errors.StripeError(raw({}), 'StripeOfTomorrow'), 'unknown', 'UNEXPECTED_ERROR'],
])('%o leaves open what happened', (error, kind, code) => {
  expect(readFailure(error)).toMatchObject({ kind: 'open', said: { kind, code } });
});

test('only a refused secret key is a problem for a person', () => {
  const problem = (error: unknown) => (readFailure(error) as { problem?: string }).problem;
  expect(problem(new errors.StripeAuthenticationError(raw({ statusCode: 401 })))).toContain('401');
  expect(problem(new errors.StripeAPIError(raw({ statusCode: 500 })))).toBeUndefined();
});

test('an error that is not of Stripe is a bug and passed on', () => {
  expect(() => readFailure(new TypeError('x'))).toThrow(TypeError);
});

test('a server error is kept under its key only when Stripe says that it repeats it', () => {
  const headers = { 'idempotent-replayed': 'true' };
  expect(isKeptError(new errors.StripeAPIError(raw({ statusCode: 500, headers })))).toBe(true);
  expect(isKeptError(new errors.StripeAPIError(raw({ statusCode: 500, headers: {} })))).toBe(false);
  expect(isKeptError(new errors.StripeCardError(raw({ statusCode: 402, headers })))).toBe(false);
});
