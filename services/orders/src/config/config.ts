// What orders reads from its environment.
import { type ConfigSpec, required, withDefault } from '@stoa/chassis/config';

export const config = {
  accessTokenSecret: required('string', 'STOA_ORDER_TOKEN_SECRET', {
    help: "signs guests' access tokens; at least 32 random characters",
    secret: true,
  }),
  holdSeconds: withDefault('integer', 'STOA_STOCK_HOLD_SECONDS', 900, {
    help: 'how long stock is held for an order that is not yet paid',
    min: 60,
    max: 86_400,
  }),
  keyDays: withDefault('integer', 'STOA_IDEMPOTENCY_KEY_DAYS', 30, {
    help: 'how long an idempotency key is remembered',
    min: 1,
    max: 3650,
  }),
} satisfies ConfigSpec;
