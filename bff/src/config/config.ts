// What the BFF reads from its environment. What helps an attacker or a foreign page (GraphiQL, introspection, CORS, pins to a canary)
// is off in production and on in development, unless it is set.
import { type ConfigOf, type ConfigSpec, optional, withDefault } from '@stoa/chassis/config';

export const config = {
  port: withDefault('integer', 'PORT', 4000, { help: 'port of the HTTP listener', min: 0, max: 65_535 }),
  environment: withDefault('string', 'STOA_ENV', 'development', { help: 'development or production' }),
  graphiql: optional('boolean', 'STOA_GRAPHIQL', { help: 'serve GraphiQL at GET /graphql; default: in development' }),
  introspection: optional('boolean', 'STOA_INTROSPECTION', {
    help: 'answer introspection queries and suggest names in validation errors; default: in development',
  }),
  corsOrigins: optional('string', 'STOA_CORS_ORIGINS', {
    help:
      'origins whose pages may call, separated by commas; "http://localhost:*" allows any port, "none" allows none; ' +
      'default: none, in development localhost',
  }),
  canaryPins: optional('string', 'STOA_CANARY_PINS', {
    help: 'who may pin a request to a canary by x-stoa-canary: anybody or nobody; default: nobody, in development anybody',
  }),
  // The cart service reads the same variable.
  currencies: withDefault('string', 'STOA_CURRENCIES', 'EUR,USD,GBP', {
    help: 'currencies the shop sells in, separated by commas; the first one is the default',
  }),
  trustedProxies: withDefault('integer', 'STOA_TRUSTED_PROXIES', 0, {
    help: 'proxies of our own in front, each adding to X-Forwarded-For; 0 believes the connection alone',
    min: 0,
    max: 5,
  }),
  subscriptionsMax: withDefault('integer', 'STOA_SUBSCRIPTIONS_MAX', 5000, {
    help: 'open subscriptions of this process',
    min: 1,
    max: 100_000,
  }),
} satisfies ConfigSpec;

export type BffConfig = ConfigOf<typeof config>;

export interface Exposure {
  readonly graphiql: boolean;
  readonly introspection: boolean;
  readonly corsOrigins: string;
  /** Whether `x-stoa-canary` from outside is believed. */
  readonly canaryPins: boolean;
}

const LOCAL_ORIGINS = 'http://localhost:*,http://127.0.0.1:*';

/** What is shown to whom, with the defaults of the environment filled in. */
export function exposureOf({ environment, graphiql, introspection, corsOrigins, canaryPins }: BffConfig): Exposure {
  // Anything but a plain "development" is treated as production: a typing error must not open doors.
  const development = environment === 'development';
  return {
    graphiql: graphiql ?? development,
    introspection: introspection ?? development,
    corsOrigins: corsOrigins ?? (development ? LOCAL_ORIGINS : 'none'),
    canaryPins: (canaryPins ?? (development ? 'anybody' : 'nobody')) === 'anybody',
  };
}

/** The currency where none is named. */
export function shopCurrencyOf({ currencies }: BffConfig): string {
  return currencies.split(',')[0]?.trim() ?? '';
}
