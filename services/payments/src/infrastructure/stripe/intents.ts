// What a PaymentIntent says, about each operation and as a record of the provider's books.
import type Stripe from 'stripe';
import { ALREADY_CAPTURED } from '../../domain/payment.ts';
import { isPaymentId } from '../../domain/payment-id.ts';
import type { ProviderRecord } from '../../domain/reconcile.ts';
import type { Said } from '../provider.ts';
import { fromStripe } from './amounts.ts';
import { declineCode } from './errors.ts';

/** Our names for a payment, kept in Stripe's metadata: how it is found when its intent's id is not known. */
export const PAYMENT_ID = 'stoa_payment_id';
export const ORDER_ID = 'stoa_order_id';
export const KEY = 'stoa_key';

type Intent = Stripe.PaymentIntent;

const UNREADABLE: Said = { kind: 'unknown', code: 'UNREADABLE_ANSWER' };
const unknown = (code: string): Said => ({ kind: 'unknown', code });

function approved(intent: Intent, amount: unknown): Said {
  const currency = currencyOf(intent);
  const amountMinor = fromStripe(amount, currency);
  return amountMinor === undefined ? UNREADABLE : { kind: 'approved', reference: intent.id, amountMinor, currency };
}

/** `undefined`: its customer has failed to confirm it, and could still try with another card. */
export function saidOfAuthorization(intent: Intent): Said | undefined {
  switch (intent.status) {
    case 'requires_capture':
      return approved(intent, intent.amount_capturable);
    case 'succeeded':
      return approved(intent, intent.amount);
    case 'requires_action':
      return {
        kind: 'action_required',
        reference: intent.id,
        redirectUrl: intent.next_action?.redirect_to_url?.url ?? '',
        clientSecret: intent.client_secret ?? '',
      };
    case 'canceled':
      return { kind: 'declined', code: refusalOf(intent) ?? 'VOIDED' };
    case 'requires_payment_method':
      return undefined;
    case 'processing':
    case 'requires_confirmation':
      return unknown('IN_PROGRESS');
    default:
      return UNREADABLE;
  }
}

/** Why the last try was refused, if one was. */
export function refusalOf({ last_payment_error: error }: Intent): string | undefined {
  return error ? declineCode(error.code, error.decline_code) : undefined;
}

/** `undefined`: not captured yet, and nothing is in the way. */
export function saidOfCapture(intent: Intent): Said | undefined {
  switch (intent.status) {
    case 'succeeded':
      return approved(intent, intent.amount_received);
    case 'requires_capture':
      return undefined;
    case 'canceled':
      return { kind: 'declined', code: 'NOT_AUTHORIZED' };
    default:
      return unknown('IN_PROGRESS');
  }
}

/** `undefined`: still open. */
export function saidOfVoid(intent: Intent): Said | undefined {
  if (intent.status === 'canceled') return approved(intent, intent.amount);
  if (intent.status !== 'succeeded') return undefined;
  const capturedMinor = fromStripe(intent.amount_received, currencyOf(intent));
  return { kind: 'declined', code: ALREADY_CAPTURED, ...(capturedMinor === undefined ? {} : { capturedMinor }) };
}

export function saidOfRefund({ status, payment_intent, amount, currency }: Stripe.Refund): Said {
  switch (status) {
    case 'succeeded': {
      const named = currency.toUpperCase();
      const amountMinor = fromStripe(amount, named);
      const reference = typeof payment_intent === 'string' ? payment_intent : (payment_intent?.id ?? '');
      return amountMinor === undefined ? UNREADABLE : { kind: 'approved', reference, amountMinor, currency: named };
    }
    case 'failed':
    case 'canceled':
      return { kind: 'declined', code: 'REFUND_FAILED' };
    default:
      return unknown('REFUND_PENDING');
  }
}

const STATES: Readonly<Record<string, ProviderRecord['state']>> = {
  requires_capture: 'AUTHORIZED',
  requires_action: 'ACTION_REQUIRED',
  canceled: 'VOIDED',
  requires_payment_method: 'DECLINED',
  requires_confirmation: 'PROCESSING',
  processing: 'PROCESSING',
  succeeded: 'CAPTURED',
};

/** The record of an intent with its `latest_charge` expanded; undefined when it is none of ours. */
export function toRecord(intent: Intent): ProviderRecord | undefined {
  const paymentId = intent.metadata?.[PAYMENT_ID];
  const currency = currencyOf(intent);
  const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : undefined;
  const amountMinor = fromStripe(intent.amount, currency);
  const capturedMinor = fromStripe(intent.amount_received ?? 0, currency);
  const refundedMinor = fromStripe(charge?.amount_refunded ?? 0, currency);
  // An account may be shared: what another system has written under our name is no id of ours.
  if (!isPaymentId(paymentId) || amountMinor === undefined) return undefined;
  if (capturedMinor === undefined || refundedMinor === undefined) return undefined;
  const isRefunded = capturedMinor > 0n && capturedMinor === refundedMinor;
  return {
    paymentId,
    orderId: intent.metadata?.[ORDER_ID] ?? '',
    reference: intent.id,
    state: isRefunded ? 'REFUNDED' : (STATES[intent.status] ?? 'PROCESSING'),
    amountMinor,
    currency,
    capturedMinor,
    refundedMinor,
    captureKey: '',
    changedAt: new Date(intent.created * 1000),
  };
}

function currencyOf({ currency }: Intent): string {
  return typeof currency === 'string' ? currency.toUpperCase() : '';
}
