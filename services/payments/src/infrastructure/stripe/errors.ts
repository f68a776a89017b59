// What Stripe's errors mean. Only two of them are about the request itself, and so definite: a card that is declined and
// a request that is refused before anything was done. All others leave open what happened.
import Stripe from 'stripe';
import type { Said } from '../provider.ts';

export type Failure =
  | { readonly kind: 'card'; readonly code: string }
  | { readonly kind: 'refused'; readonly code: string; readonly param: string }
  | { readonly kind: 'open'; readonly said: Said; readonly problem?: string };

const open = (code: string): Failure => ({ kind: 'open', said: { kind: 'unknown', code } });

/** Reads an error of the SDK; throws on what is none, such as a bug of ours. */
export function readFailure(error: unknown): Failure {
  if (!(error instanceof Stripe.errors.StripeError)) throw error;
  switch (error.type) {
    case 'StripeCardError':
      return { kind: 'card', code: declineCode(error.code, error.decline_code) };
    case 'StripeInvalidRequestError':
      return { kind: 'refused', code: error.code ?? '', param: error.param ?? '' };
    case 'StripeAuthenticationError':
    case 'StripePermissionError': {
      // Nothing was done, and nothing will be until a person mends the key.
      const problem = `Stripe refuses the secret key (${error.type}, HTTP ${error.statusCode})`;
      return { kind: 'open', said: { kind: 'error', code: 'PROVIDER_REFUSES_KEY' }, problem };
    }
    case 'StripeIdempotencyError':
      // The same key with another body: something else was asked under it, and nobody here knows what became of it.
      return open('IDEMPOTENCY_KEY_REUSED');
    case 'StripeRateLimitError':
      return open('RATE_LIMITED');
    case 'StripeConnectionError':
      return open('CALL_FAILED');
    case 'StripeAPIError':
      // 409: the same key is being worked on. Without a status: an answer that is not JSON.
      if (error.statusCode === 409) return open('IN_PROGRESS');
      return open(error.statusCode === undefined ? 'UNREADABLE_ANSWER' : 'PROVIDER_ERROR');
    default:
      return open('UNEXPECTED_ERROR');
  }
}

/** Stripe has dozens; the shop distinguishes what a customer can do something about. */
export function declineCode(code: string | undefined, declineCode: string | undefined): string {
  const codes = [code, declineCode];
  if (codes.includes('insufficient_funds')) return 'INSUFFICIENT_FUNDS';
  if (codes.includes('authentication_required')) return 'AUTHENTICATION_REQUIRED';
  if (codes.includes('payment_intent_authentication_failure')) return 'AUTHENTICATION_FAILED';
  if (codes.includes('charge_expired_for_capture')) return 'AUTHORIZATION_EXPIRED';
  return 'CARD_DECLINED';
}

/**
 * Whether Stripe only repeats a server error that it keeps under the key: it does so for as long as it remembers the
 * key, whatever has been mended since.
 */
export function isKeptError(error: unknown): boolean {
  if (!(error instanceof Stripe.errors.StripeError)) return false;
  return (error.statusCode ?? 0) >= 500 && error.headers?.['idempotent-replayed'] === 'true';
}
