// The edge for generated clients: the services' own contracts over Connect and gRPC-Web, on the port of GraphQL. It
// relays, it decides nothing: what may pass is read from the contract (never what is INTERNAL, and only what the BFF
// itself may call), and who may do what is the owning service's to say.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DescMethod, DescMethodUnary, DescService } from '@bufbuild/protobuf';
import {
  type CallOptions,
  type Client,
  Code,
  ConnectError,
  type ConnectRouter,
  createContextKey,
  createContextValues,
} from '@connectrpc/connect';
import { createAsyncIterable, type UniversalHandler, type UniversalHandlerFn } from '@connectrpc/connect/protocol';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { reasonOf } from '@stoa/chassis/rpc/errors';
import { methodPolicy } from '@stoa/chassis/rpc/policy';
import { CartService } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { CatalogService } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { IdentityService } from '@stoa/proto/stoa/identity/v1/identity_pb';
import { NotificationsService } from '@stoa/proto/stoa/notifications/v1/notifications_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { Audience } from '@stoa/proto/stoa/policy/v1/policy_pb';
import { ShippingService } from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import { type RequestFacts, userHeaders } from '../graphql/context.ts';
import { BODY_MAX_BYTES } from './body.ts';
import { sendJson } from './respond.ts';

const SERVICES: readonly DescService[] = [
  CartService,
  CatalogService,
  IdentityService,
  NotificationsService,
  OrdersService,
  PaymentsService,
  ShippingService,
];

const OUTSIDE: ReadonlySet<Audience> = new Set([Audience.PUBLIC, Audience.CUSTOMER, Audience.STAFF]);

/** Whether somebody outside may call the method through the BFF. */
export function passesEdge(method: DescMethod): method is DescMethodUnary {
  if (method.methodKind !== 'unary') return false;
  const { audience, callers } = methodPolicy(method);
  return OUTSIDE.has(audience) && (callers.has('bff') || callers.has('*'));
}

const NOBODY: RequestFacts = {
  traceId: '',
  traceparent: '',
  clientAddress: '',
  canary: '',
  authorization: undefined,
  signal: new AbortController().signal,
};
const factsKey = createContextKey<RequestFacts>(NOBODY);

export type ConnectEdge = (request: IncomingMessage, response: ServerResponse, facts: RequestFacts) => void;

/** Refuses bytes that are no UTF-8 instead of repairing them. Connect takes the decoder, although its type keeps silent. */
const STRICT_JSON = { ignoreUnknownFields: true, textDecoder: new TextDecoder('utf-8', { fatal: true }) };

type AnyCall = (request: unknown, options: CallOptions) => Promise<Record<string, unknown>>;

/** `client` gives the client of a service. */
export function createConnectEdge(client: (service: DescService) => Client<DescService>): ConnectEdge {
  const factsOf = new WeakMap<object, RequestFacts>();
  const adapter = connectNodeAdapter({
    routes: (router) => {
      for (const service of SERVICES) for (const method of service.methods) relay(router, method, client(service));
      router.handlers.splice(0, router.handlers.length, ...router.handlers.map(blamingUnreadable));
    },
    jsonOptions: STRICT_JSON,
    readMaxBytes: BODY_MAX_BYTES,
    contextValues: (request) => createContextValues().set(factsKey, factsOf.get(request) ?? NOBODY),
    fallback: (_, response) => {
      // Connect's own error shape: its clients read the code from here.
      sendJson(response as ServerResponse, 404, { code: 'unimplemented', message: 'no such method is served here' });
    },
  });
  return (request, response, facts) => {
    factsOf.set(request, facts);
    adapter(request, response);
  };
}

function relay(router: ConnectRouter, method: DescMethod, client: Client<DescService>): void {
  if (!passesEdge(method)) return;
  const call = (client as unknown as Record<string, AnyCall>)[method.localName] as AnyCall;
  router.rpc(method, async (request, context) => {
    const left = context.timeoutMs();
    try {
      return await call(request, {
        headers: userHeaders(context.values.get(factsKey)),
        signal: context.signal,
        ...(left === undefined ? {} : { timeoutMs: Math.max(1, left) }),
      });
    } catch (error) {
      throw presentable(ConnectError.from(error));
    }
  });
}

/** What no service wrote for clients: texts of transports, with the addresses of services in them. */
const TRANSPORT_TEXTS: Partial<Record<Code, string>> = {
  [Code.Unavailable]: 'the service does not answer right now',
  [Code.DeadlineExceeded]: 'the service did not answer in time',
  [Code.ResourceExhausted]: 'too much at once; try again later',
  [Code.Internal]: 'internal error',
  [Code.Unknown]: 'internal error',
};

/**
 * The error as outsiders may see it: a text that has a reason was written for them, and so were refusals of other codes.
 * Headers of the inner call, which would be sent along, stay inside.
 */
function presentable(error: ConnectError): ConnectError {
  const fixed = reasonOf(error) === undefined ? TRANSPORT_TEXTS[error.code] : undefined;
  const relayed = new ConnectError(fixed ?? error.rawMessage, error.code);
  relayed.details = error.details;
  return relayed;
}

/** Connect calls a message that cannot be parsed our error, INTERNAL and 500, where it is the client's. */
function blamingUnreadable(handler: UniversalHandler): UniversalHandler {
  const blaming: UniversalHandlerFn = async (request) => {
    const response = await handler(request);
    if (response.status !== 500 || response.body === undefined || response.body === null) return response;
    const body = Buffer.concat(await Array.fromAsync(response.body));
    const unreadable = body.includes('"parse binary: ');
    const answer = unreadable ? Buffer.from(UNREADABLE) : body;
    response.header?.set('content-length', String(answer.length));
    return { ...response, status: unreadable ? 400 : 500, body: createAsyncIterable([answer]) };
  };
  return Object.assign(blaming, handler);
}

const UNREADABLE = JSON.stringify({ code: 'invalid_argument', message: 'the message cannot be read' });
