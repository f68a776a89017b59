// The edge for generated clients: the services' own contracts over Connect and gRPC-Web, on the port of GraphQL. It
// relays, it decides nothing: what may pass is read from the contract (never what is INTERNAL, and only what the BFF
// itself may call), and who may do what is the owning service's to say.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DescMethod, DescMethodUnary, DescService } from '@bufbuild/protobuf';
import {
  type CallOptions,
  type Client,
  ConnectError,
  type ConnectRouter,
  createContextKey,
  createContextValues,
} from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
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

type AnyCall = (request: unknown, options: CallOptions) => Promise<Record<string, unknown>>;

/** `client` gives the client of a service. */
export function createConnectEdge(client: (service: DescService) => Client<DescService>): ConnectEdge {
  const factsOf = new WeakMap<object, RequestFacts>();
  const adapter = connectNodeAdapter({
    routes: (router) => {
      for (const service of SERVICES) for (const method of service.methods) relay(router, method, client(service));
    },
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
      throw withoutMetadata(ConnectError.from(error));
    }
  });
}

/** The error with its details; headers of the inner call, which would be sent along, stay inside. */
function withoutMetadata(error: ConnectError): ConnectError {
  const relayed = new ConnectError(error.rawMessage, error.code);
  relayed.details = error.details;
  return relayed;
}
