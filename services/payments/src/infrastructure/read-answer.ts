// Reads what an adapter claims. An answer that has no known shape, or speaks of another amount or currency than was
// asked for, is no answer: the outcome is unknown, and the same key is asked again.
import type { Operation, Outcome } from '../domain/payment.ts';
import type { ProviderRequest, Said } from './provider.ts';

/** Longest text of a provider that is kept. */
const TEXT_MAX = 500;
const UNREADABLE: Outcome = { kind: 'unknown', code: 'UNREADABLE_ANSWER' };
const WRONG_AMOUNT: Outcome = { kind: 'unknown', code: 'WRONG_AMOUNT' };
const WRONG_CURRENCY: Outcome = { kind: 'unknown', code: 'WRONG_CURRENCY' };

type Asked = Pick<ProviderRequest, 'amountMinor' | 'currency'>;

/** The outcome of an answer to `operation`; `unknown` for whatever cannot be believed. */
export function readAnswer(operation: Operation, asked: Asked, answer: unknown): Outcome {
  if (typeof answer !== 'object' || answer === null) return UNREADABLE;
  const said = answer as Partial<Record<string, unknown>>;
  switch (said.kind as Said['kind']) {
    case 'approved':
      return readApproved(operation, asked, said);
    case 'action_required':
      return operation === 'authorize' ? readAction(said) : UNREADABLE;
    case 'declined': {
      if (!isCode(said.code)) return UNREADABLE;
      const { code, capturedMinor } = said;
      return typeof capturedMinor === 'bigint' && capturedMinor > 0n
        ? { kind: 'declined', code, capturedMinor }
        : { kind: 'declined', code };
    }
    case 'unknown':
    case 'error':
      return isCode(said.code) ? { kind: said.kind as 'unknown' | 'error', code: said.code } : UNREADABLE;
    default:
      return UNREADABLE;
  }
}

function readApproved(operation: Operation, asked: Asked, said: Partial<Record<string, unknown>>): Outcome {
  const { reference, amountMinor, currency } = said;
  if (!isText(reference) || typeof amountMinor !== 'bigint' || typeof currency !== 'string') return UNREADABLE;
  // A void of something that the provider never saw has neither amount nor currency.
  if (operation === 'void') return { kind: 'approved', reference, amountMinor };
  if (currency !== asked.currency) return WRONG_CURRENCY;
  if (amountMinor === asked.amountMinor) return { kind: 'approved', reference, amountMinor };
  // Less than asked is believed of a capture only: that money was taken and must go back.
  const isPartial = operation === 'capture' && amountMinor > 0n && amountMinor < asked.amountMinor;
  return isPartial ? { kind: 'approved', reference, amountMinor } : WRONG_AMOUNT;
}

function readAction({ reference, redirectUrl, clientSecret }: Partial<Record<string, unknown>>): Outcome {
  if (!isText(reference) || reference === '' || !isText(redirectUrl) || !isText(clientSecret)) return UNREADABLE;
  if (redirectUrl !== '' && !isHttpUrl(redirectUrl)) return UNREADABLE;
  // Without either there is nothing that the customer could do.
  if (redirectUrl === '' && clientSecret === '') return UNREADABLE;
  return { kind: 'action_required', reference, action: { redirectUrl, clientSecret } };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TEXT_MAX;
}

function isCode(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(value);
}

/** A customer's browser is sent there: no other scheme may come out of a provider's answer. */
function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
