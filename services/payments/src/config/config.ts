// What payments reads from its environment.
import { type ConfigOf, type ConfigSpec, optional, withDefault } from '@stoa/chassis/config';

export const config = {
  provider: withDefault('string', 'STOA_PAYMENTS_PROVIDER', 'sandbox', {
    help: 'payment provider: "sandbox", the one in the box, or "stripe"',
  }),
  callDeadlineMs: withDefault('integer', 'STOA_PAYMENTS_CALL_DEADLINE_MS', 3000, {
    help: 'longest wait for one answer of the provider, in milliseconds',
    min: 10,
    max: 60_000,
  }),
  concurrency: withDefault('integer', 'STOA_PAYMENTS_CONCURRENCY', 64, {
    help: 'calls under way at the provider at any moment; a quarter of them is for repetitions',
    min: 2,
    max: 1000,
  }),
  retryBaseMs: withDefault('integer', 'STOA_PAYMENTS_RETRY_BASE_MS', 100, {
    help: 'pause before the first repetition of a call; it doubles from there',
    min: 1,
    max: 60_000,
  }),
  retryCapMs: withDefault('integer', 'STOA_PAYMENTS_RETRY_CAP_MS', 10_000, {
    help: 'longest pause between two repetitions of a call',
    min: 1,
    max: 3_600_000,
  }),
  sandboxLateMs: withDefault('integer', 'STOA_PAYMENTS_SANDBOX_LATE_MS', 20_000, {
    help: 'sandbox only: how late the authorization of tok_late_charge appears',
    min: 0,
    max: 3_600_000,
  }),
  sandboxWebhookUrl: optional('url', 'STOA_PAYMENTS_SANDBOX_WEBHOOK_URL', {
    help: 'sandbox only: where its webhooks go; not set, they are handed over within the process',
  }),
  sandboxPublicUrl: optional('url', 'STOA_PAYMENTS_SANDBOX_PUBLIC_URL', {
    help: "sandbox only: where browsers reach this service's plain HTTP; not set, a customer has no page to confirm at",
  }),
  webhookPort: withDefault('integer', 'STOA_PAYMENTS_WEBHOOK_PORT', 0, {
    help: 'port of POST /webhooks/<provider>; 0 takes a free one, for where nobody outside sends any',
    min: 0,
    max: 65535,
  }),
  webhookSecret: optional('string', 'STOA_PAYMENTS_WEBHOOK_SECRET', {
    help: 'secret that the provider signs webhooks with',
    secret: true,
  }),
  webhookSecretPrevious: optional('string', 'STOA_PAYMENTS_WEBHOOK_SECRET_PREVIOUS', {
    help: 'the secret before that, while webhooks signed with it may still come',
    secret: true,
  }),
  reconcileEveryMs: withDefault('integer', 'STOA_PAYMENTS_RECONCILE_EVERY_MS', 60_000, {
    help: "pause between two comparisons with the provider's records",
    min: 10,
    max: 3_600_000,
  }),
  reconcileGraceMs: withDefault('integer', 'STOA_PAYMENTS_RECONCILE_GRACE_MS', 10_000, {
    help: 'how old a change must be to be compared, and how far each comparison looks back beyond the last',
    min: 0,
    max: 3_600_000,
  }),
  stripeApiBase: withDefault('url', 'STOA_STRIPE_API_BASE', 'https://api.stripe.com', {
    help: "stripe only: where its API is, for example a test double's address",
  }),
  stripeSecretKey: optional('string', 'STOA_STRIPE_SECRET_KEY', { help: 'stripe only: the secret key', secret: true }),
  stripeReturnUrl: optional('url', 'STOA_STRIPE_RETURN_URL', {
    help: 'stripe only: where a customer comes back to after 3-D Secure; not set, the client uses the client secret',
  }),
} satisfies ConfigSpec;

export type PaymentsConfig = ConfigOf<typeof config>;
