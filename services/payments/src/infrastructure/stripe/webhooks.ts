// Stripe's webhooks: signed over the raw body, checked by the SDK against each live secret.
import type Stripe from 'stripe';
import type { SignedEvent, WebhookRequest } from '../provider.ts';
import { PAYMENT_ID } from './intents.ts';

const SIGNATURE_HEADER = 'stripe-signature';
/** The time is judged elsewhere, by the database's clock; to the SDK every time is good. */
const ANY_AGE = 0;

export function readStripeWebhook(
  stripe: Stripe,
  secrets: readonly string[],
  { headers, rawBody }: WebhookRequest,
): SignedEvent | undefined {
  const header = headers[SIGNATURE_HEADER];
  if (typeof header !== 'string') return undefined;
  const timestamp = /(?:^|,)t=(\d{1,12})(?:,|$)/.exec(header)?.[1];
  if (timestamp === undefined) return undefined;
  const event = secrets.map((secret) => checked(stripe, rawBody, header, secret)).find((found) => found !== undefined);
  if (typeof event?.id !== 'string' || typeof event.type !== 'string') return undefined;
  // Intents, charges and refunds all carry our metadata.
  const { metadata } = event.data.object as { metadata?: Record<string, unknown> | null };
  const paymentId = metadata?.[PAYMENT_ID];
  return {
    eventId: event.id,
    type: event.type,
    timestampSeconds: Number(timestamp),
    paymentId: typeof paymentId === 'string' ? paymentId : undefined,
  };
}

function checked(stripe: Stripe, rawBody: Uint8Array, header: string, secret: string): Stripe.Event | undefined {
  try {
    return stripe.webhooks.constructEvent(Buffer.from(rawBody), header, secret, ANY_AGE);
  } catch {
    return undefined;
  }
}
