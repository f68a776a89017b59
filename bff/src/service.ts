// The BFF: GraphQL for storefronts, and the Connect edge for generated clients. It stores nothing.
import { createTracer } from '@stoa/chassis/rpc/trace';
import { defineService, type JobDefinition, type ServiceContext } from '@stoa/chassis/service';
import { type BffConfig, config, exposureOf, shopCurrencyOf } from './config/config.ts';
import { createClients } from './graphql/clients.ts';
import { createOrderFeed, type OrderFeed } from './graphql/orders/feed.ts';
import { createGraphQL } from './graphql/yoga.ts';
import { createConnectEdge } from './http/connect-edge.ts';
import { createCors } from './http/cors.ts';
import { createGraphQLEndpoint } from './http/graphql-endpoint.ts';
import { createHandler } from './http/handler.ts';
import { createPictureEndpoint } from './http/picture-endpoint.ts';
import { createRequestMetrics } from './http/request-metrics.ts';

interface BffDeps {
  readonly orderFeed: OrderFeed;
}

/** The wait that the host's stopping ends; its length is of no consequence. */
const STOP_CHECK_MS = 3_600_000;

/**
 * Ends the event streams as soon as the host stops: the HTTP listener closes when its last connection does, and a
 * stream would never end by itself. Their clients subscribe again, elsewhere.
 */
const endStreams: JobDefinition<ServiceContext<BffConfig, BffDeps>> = {
  name: 'end-streams',
  everyMs: 0,
  async run({ clock, deps }, signal) {
    await clock.sleep(STOP_CHECK_MS, signal);
    if (signal.aborted) deps.orderFeed.close();
    return false;
  },
};

export const bff = defineService({
  name: 'bff',
  config,
  live: true,
  setup: ({ live, config }) => ({ orderFeed: createOrderFeed(live, config.subscriptionsMax) }),
  teardown: ({ orderFeed }) => orderFeed.close(),
  jobs: [endStreams],
  http: (context) => {
    const { config, clock, deps, log, metrics, random } = context;
    const clients = createClients(context.client);
    const { graphiql, introspection, corsOrigins, canaryPins } = exposureOf(config);
    return {
      port: config.port,
      handler: createHandler({
        graphql: createGraphQLEndpoint(createGraphQL({ graphiql, introspection, log, metrics }), {
          clients,
          clock,
          orderFeed: deps.orderFeed,
          shopCurrency: shopCurrencyOf(config),
        }),
        pictures: createPictureEndpoint(clients),
        connect: createConnectEdge(context.client),
        cors: createCors(corsOrigins),
        facts: { tracer: createTracer(random), proxies: config.trustedProxies, canaryPins },
        graphiql,
        observe: createRequestMetrics(metrics, clock),
        readiness: context.readiness,
        log,
      }),
    };
  },
});
