// What a resolver gets besides its arguments: clients, loaders, and the options that every call must carry. Whoever
// calls a service without one of these options loses the user, the trace, the cancellation and the budget.
import { type CallOptions, Code } from '@connectrpc/connect';
import { refuse } from '@stoa/chassis/rpc/errors';
import { AUTHORIZATION, CANARY, CLIENT_ADDRESS, EDGE, TRACEPARENT } from '@stoa/chassis/rpc/headers';
import type { Clock } from '@stoa/chassis/runtime';
import { GraphQLError } from 'graphql/index.js';
import type { Clients } from './clients.ts';
import { createLoaders, type Loaders } from './loaders.ts';
import type { OrderFeed } from './orders/feed.ts';

/** Time that one request may take in all; a subscription's every read has as much. */
export const BUDGET_MS = 8_000;

/** Calls that one request may cause: more than any page needs, and the bound on what a query can cost. */
export const CALLS_MAX = 60;

/** RFC 6750 b64token; bounded, since it is relayed in a header. */
const BEARER = /^Bearer [\w\-.~+/]{1,4000}=*$/i;

export interface RequestContext {
  readonly traceId: string;
  readonly clients: Clients;
  readonly loaders: Loaders;
  readonly clock: Clock;
  readonly orderFeed: OrderFeed;
  /** ISO 4217: what holds where a client names no currency. */
  readonly shopCurrency: string;
  /** Whom the request counts for where a client may have so many of something: its user or its address. */
  readonly client: string;
  /** Whether the request carries an Authorization header, good or bad. */
  readonly signedIn: boolean;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  /** Options for a call on the user's behalf, within the request's budget. */
  call(): CallOptions;
  /** Without the user: for sign-in, which has its own credentials and must work with an access token that is over. */
  callAsGuest(): CallOptions;
  /** For a read that the BFF makes as itself, of what no method shows to users. Check first that the user may. */
  callAsSelf(): CallOptions;
  /** Begins anew, with a whole budget and nothing looked up: for each event of a subscription. */
  renew(): void;
  /** For a subscription, which outlives a request's budget: each call has the whole budget. */
  callWhileOpen(signal: AbortSignal): CallOptions;
}

/** Who asks, as far as HTTP tells. */
export interface RequestFacts {
  readonly traceId: string;
  readonly traceparent: string;
  readonly clientAddress: string;
  /** The canary that the request is pinned to; empty when it is not. */
  readonly canary: string;
  /** The Authorization header as it came. */
  readonly authorization: string | undefined;
  readonly signal: AbortSignal;
}

export interface ContextParts {
  readonly clients: Clients;
  readonly clock: Clock;
  readonly orderFeed: OrderFeed;
  readonly shopCurrency: string;
}

/** The context of one request. */
export function createRequestContext(parts: ContextParts, facts: RequestFacts): RequestContext {
  const { clients, clock, orderFeed, shopCurrency } = parts;
  const { traceId, traceparent, signal, authorization } = facts;
  let endsAt = clock.monotonicMs() + BUDGET_MS;
  let calls = 0;
  const options = (headers: Record<string, string>): CallOptions => {
    calls += 1;
    if (calls > CALLS_MAX) throw tooManyCalls();
    return { headers, signal, timeoutMs: Math.max(1, Math.floor(endsAt - clock.monotonicMs())) };
  };
  const call = () => options(userHeaders(facts));
  const callAsSelf = () => options({ [TRACEPARENT]: traceparent, ...pinOf(facts) });
  const loaders = createLoaders(clients, call, callAsSelf);
  return {
    traceId,
    clients,
    clock,
    orderFeed,
    shopCurrency,
    signal,
    client: clientOf(facts),
    signedIn: authorization !== undefined,
    loaders,
    call,
    callAsGuest: () => options(guestHeaders(facts)),
    callAsSelf,
    renew() {
      endsAt = clock.monotonicMs() + BUDGET_MS;
      calls = 0;
      loaders.forget();
    },
    callWhileOpen: (open) => ({ headers: userHeaders(facts), signal: open, timeoutMs: BUDGET_MS }),
  };
}

/** The user is whom the token names: nothing is verified here, and with a token that does not verify nothing is read. */
function clientOf({ authorization, clientAddress }: RequestFacts): string {
  const claims = authorization?.split('.')[1];
  if (claims === undefined) return clientAddress;
  try {
    return `user ${JSON.parse(Buffer.from(claims, 'base64url').toString()).sub}`;
  } catch {
    return clientAddress;
  }
}

function tooManyCalls() {
  return new GraphQLError(`the request needs more than ${CALLS_MAX} look-ups; ask for less at a time`, {
    extensions: { code: 'LIMIT_EXCEEDED' },
  });
}

/** What goes with a call for somebody outside: `x-stoa-edge` closes internal methods to it. */
export function guestHeaders(facts: RequestFacts): Record<string, string> {
  const { traceparent, clientAddress } = facts;
  return { [TRACEPARENT]: traceparent, [EDGE]: '1', [CLIENT_ADDRESS]: clientAddress, ...pinOf(facts) };
}

const pinOf = ({ canary }: RequestFacts) => (canary === '' ? {} : { [CANARY]: canary });

/**
 * The same with the user's token. An Authorization header that is no bearer token is refused here, as the services
 * refuse a token that does not verify: a client that believes to be signed in must not be served as a guest.
 */
export function userHeaders(facts: RequestFacts): Record<string, string> {
  const headers = guestHeaders(facts);
  if (facts.authorization === undefined) return headers;
  if (!BEARER.test(facts.authorization)) {
    throw refuse(Code.Unauthenticated, 'TOKEN_INVALID', 'the Authorization header must be "Bearer <access token>"');
  }
  headers[AUTHORIZATION] = facts.authorization;
  return headers;
}
