// Who is calling, and how a handler passes that on.
import { type CallOptions, createContextKey, type HandlerContext } from '@connectrpc/connect';
import type { Cause } from '../events/envelope.ts';
import { CANARY } from './headers.ts';

export interface User {
  readonly id: string;
  readonly role: 'customer' | 'staff';
}

export interface Caller {
  /** Name of the calling service, proven by its credential. */
  readonly service: string;
  /** The user behind the call, from a verified access token; undefined for guests and for services themselves. */
  readonly user: User | undefined;
  /** The user's token, to be relayed; undefined without a user. */
  readonly token: string | undefined;
  /** W3C trace context of this call; empty when tracing is off. */
  readonly traceparent: string;
  /** The canary that the call is pinned to: a service's name, 'always', or empty. */
  readonly canary: string;
}

/** Set by the chassis before any handler runs. */
export const callerKey = createContextKey<Caller>({
  service: '',
  user: undefined,
  token: undefined,
  traceparent: '',
  canary: '',
});

/** The caller of the RPC that is being handled. */
export function callerOf(context: HandlerContext): Caller {
  return context.values.get(callerKey);
}

/** The signed-in user's id, or undefined. */
export function userIdOf(context: HandlerContext): string | undefined {
  return callerOf(context).user?.id;
}

/** What is published while this RPC is handled is caused by it: pass it to `transact`. */
export function causeOf(context: HandlerContext): Cause {
  const { traceparent, canary } = callerOf(context);
  return { traceparent, canary };
}

/** Kept back from the remaining time, so that an answer about a missed deadline still gets through. */
const DEADLINE_MARGIN_MS = 20;

/**
 * Options for a call made on behalf of the one being handled: its user, its trace, its pin, what is left of its deadline, and
 * its cancellation. `client.getCart({ cartId }, relay(context))`.
 */
export function relay(context: HandlerContext): CallOptions {
  const { token, traceparent, canary } = callerOf(context);
  const left = context.timeoutMs();
  const headers: Record<string, string> = {};
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  if (traceparent !== '') headers.traceparent = traceparent;
  if (canary !== '') headers[CANARY] = canary;
  return {
    headers,
    signal: context.signal,
    ...(left === undefined ? {} : { timeoutMs: Math.max(1, left - DEADLINE_MARGIN_MS) }),
  };
}

/**
 * Like `relay`, without the user: for internal methods, which services call for themselves even while a user waits.
 */
export function relayAsService(context: HandlerContext): CallOptions {
  const { headers, ...options } = relay(context);
  const { authorization: _, ...rest } = headers as Record<string, string>;
  return { ...options, headers: rest };
}
