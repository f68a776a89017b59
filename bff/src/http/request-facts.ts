// What HTTP tells about who asks: trace, address, credentials, and whether they are still there.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Code, ConnectError } from '@connectrpc/connect';
import { readPin } from '@stoa/chassis/rpc/canary';
import { CANARY } from '@stoa/chassis/rpc/headers';
import { type Tracer, traceIdOf } from '@stoa/chassis/rpc/trace';
import type { RequestFacts } from '../graphql/context.ts';

/** A constant, so that a client's leaving costs no stack trace. */
const GONE = new ConnectError('the client went away', Code.Canceled);

export interface FactsOptions {
  readonly tracer: Tracer;
  /** How many proxies of our own stand in front; each adds the address it saw to X-Forwarded-For. */
  readonly proxies: number;
  /** Whether a request may pin itself to a canary. */
  readonly canaryPins: boolean;
}

/** The facts of one request. The signal aborts when the connection closes before the answer is complete. */
export function readFacts(request: IncomingMessage, response: ServerResponse, options: FactsOptions): RequestFacts {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(GONE);
  });
  const { traceparent: parent, authorization } = request.headers;
  const traceparent = options.tracer(typeof parent === 'string' ? parent : undefined);
  return {
    traceparent,
    traceId: traceIdOf(traceparent),
    authorization,
    clientAddress: clientAddress(request, options.proxies),
    canary: options.canaryPins ? readPin(request.headers[CANARY]) : '',
    signal: gone.signal,
  };
}

/**
 * The client's address: the one that our outermost proxy saw. Whatever a client writes into the header itself stands
 * further left and is not believed.
 */
export function clientAddress(request: IncomingMessage, proxies: number): string {
  const peer = request.socket.remoteAddress ?? 'unknown';
  if (proxies === 0) return peer;
  const forwarded = request.headers['x-forwarded-for'];
  const seen = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? ''))
    .split(',')
    .map((each) => each.trim());
  const address = seen.at(-proxies);
  return address === undefined || !/^[\da-fA-F.:]{2,45}$/.test(address) ? peer : address;
}
