// What orders reads from its environment.
import { type ConfigSpec, required, withDefault } from '@stoa/chassis/config';

export const config = {
  accessTokenSecret: required('string', 'STOA_ORDER_TOKEN_SECRET', {
    help: "signs guests' access tokens; random",
    secret: true,
    min: 32,
  }),
  holdSeconds: withDefault('integer', 'STOA_STOCK_HOLD_SECONDS', 1800, {
    help: 'how long stock is held for an order that is not yet paid; longer than a checkout may take',
    min: 60,
    max: 86_400,
  }),
  paymentActionSeconds: withDefault('integer', 'STOA_PAYMENT_ACTION_SECONDS', 900, {
    help: 'how long a customer may take to confirm a payment at the bank (3-D Secure)',
    min: 1,
    max: 7200,
  }),
  keyDays: withDefault('integer', 'STOA_IDEMPOTENCY_KEY_DAYS', 30, {
    help: 'how long an idempotency key is remembered',
    min: 1,
    max: 3650,
  }),
} satisfies ConfigSpec;
