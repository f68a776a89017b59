// What HTTP tells about who asks: trace, address, credentials, and whether they are still there.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
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
 * The client's address, as clients are told apart by: the one that our outermost proxy saw. Whatever a client writes into
 * the header itself stands further left and is not believed.
 */
export function clientAddress(request: IncomingMessage, proxies: number): string {
  const peer = toClient(request.socket.remoteAddress ?? 'unknown');
  if (proxies === 0) return peer;
  const forwarded = request.headers['x-forwarded-for'];
  const seen = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? ''))
    .split(',')
    .map((each) => each.trim());
  const address = seen.at(-proxies);
  return address === undefined || isIP(address) === 0 ? peer : toClient(address);
}

/**
 * One text for each client: a customer of an IPv6 provider has a network of 2^64 addresses at least and may use another
 * one for every request, so the network stands for them; an IPv4 address in the form of IPv6 is that IPv4 address.
 */
function toClient(address: string): string {
  if (!isIPv6(address)) return address;
  const groups = groupsOf(address);
  const [high = 0, low = 0] = groups.slice(6);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  const hex = address.replace(/%.*$/s, '').replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [left = [], right = []] = hex.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}
