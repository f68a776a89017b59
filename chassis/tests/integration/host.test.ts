// Hosts: services in one process or in several answer the same; what cannot start says why and leaves nothing behind.
import { createClient, type ServiceImpl } from '@connectrpc/connect';
import { required } from '@stoa/chassis/config';
import { consumer, on } from '@stoa/chassis/events/consumer';
import { topic } from '@stoa/chassis/events/topic';
import type { AnyService } from '@stoa/chassis/host/build-service';
import { type Host, startHost } from '@stoa/chassis/host/host';
import { createLog } from '@stoa/chassis/log';
import { sql } from '@stoa/chassis/postgres/sql';
import { createCredentialKeys, signServiceCredential } from '@stoa/chassis/rpc/credentials';
import { notFound, reasonOf } from '@stoa/chassis/rpc/errors';
import { createGrpcTransport } from '@stoa/chassis/rpc/grpc-transport';
import { systemRuntime } from '@stoa/chassis/runtime';
import { defineService } from '@stoa/chassis/service';
import { fake } from '@stoa/chassis/testing/fake';
import { createTestDatabases } from '@stoa/chassis/testing/test-database';
import { CartService } from '@stoa/proto/stoa/cart/v1/cart_pb';
import {
  file_stoa_inventory_v1_reservation_events,
  StockReservedSchema,
} from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { afterEach, describe, expect, inject, test } from 'vitest';

const keys = await createCredentialKeys();
const runtime = systemRuntime();
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type Env = Readonly<Record<string, string>>;

async function host(services: readonly AnyService[], env: Env = {}): Promise<Host> {
  const started = await startHost({
    services,
    env: {
      STOA_LISTEN_HOST: '127.0.0.1',
      STOA_GRPC_PORT: '0',
      STOA_ADMIN_PORT: '0',
      STOA_NATS_URL: inject('natsUrl'),
      STOA_TRUST_KEY: keys.trustKey,
      STOA_SERVICE_CREDENTIAL: await signServiceCredential(
        keys.signingKey,
        services.map(({ name }) => name),
      ),
      ...env,
    },
    log: createLog('silent'),
  });
  ends.push(() => started.stop());
  return started;
}

/** Orders as the BFF calls it. */
async function ordersAt({ grpcPort }: Host) {
  const credential = await signServiceCredential(keys.signingKey, ['bff']);
  const transport = createGrpcTransport({ address: `127.0.0.1:${grpcPort}`, credential });
  ends.push(() => transport.close());
  return createClient(OrdersService, transport);
}

/** Knows one cart. */
const cart = defineService({
  name: 'cart',
  config: {},
  rpc: () => [
    fake(CartService, {
      getCheckout({ cartId }) {
        if (cartId !== 'full') throw notFound('CART_NOT_FOUND', `there is no cart ${cartId}`);
        return { cart: { id: cartId, version: 7n, email: 'ada@example.org' } };
      },
    }),
  ],
});

/** Answers an order's cart as cart tells it. */
const orders = defineService({
  name: 'orders',
  config: {},
  rpc: (context) => [
    fake(OrdersService, {
      async getOrder({ orderId }) {
        const answer = await context.client(CartService).getCheckout({ cartId: orderId });
        return { order: { id: orderId, cartId: answer.cart?.id ?? '', cartVersion: answer.cart?.version ?? 0n } };
      },
    }),
  ],
});

const ordersWith = (methods: Partial<ServiceImpl<typeof OrdersService>>, more: Partial<AnyService> = {}) =>
  defineService({ name: 'orders', config: {}, rpc: () => [fake(OrdersService, methods)], ...more });

async function get(port: number, path: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: answer.status, text: await answer.text() };
}

describe('two services', () => {
  async function answersOf(place: Host) {
    const client = await ordersAt(place);
    const refused = await client.getOrder({ orderId: 'empty' }).catch((error: unknown) => error);
    return [await client.getOrder({ orderId: 'full' }), reasonOf(refused), String(refused)];
  }

  test('answer the same in one process and in two', async () => {
    const together = await answersOf(await host([cart, orders]));
    const cartAlone = await host([cart]);
    const apart = await answersOf(await host([orders], { STOA_PEERS: `cart=127.0.0.1:${cartAlone.grpcPort}` }));
    expect(apart).toEqual(together);
    expect(apart).toMatchObject([
      { order: { cartVersion: 7n } },
      'CART_NOT_FOUND',
      expect.stringContaining('no cart empty'),
    ]);
  });
});

describe('a service that cannot start', () => {
  async function refusalOf(broken: AnyService, env: Env = {}): Promise<string> {
    const told: string[] = [];
    const fine = ordersWith({}, { setup: () => 'ready', teardown: (deps) => void told.push(`${deps} no more`) });
    const error = await host([fine, broken], env).then(
      () => new Error('it started'),
      (reason: Error) => reason,
    );
    expect(told).toEqual(['ready no more']);
    return error.message;
  }

  test('says which one and why, and those before it are closed again', async () => {
    const setup = () => {
      throw new Error('no luck');
    };
    expect(await refusalOf({ ...cart, setup })).toBe('cart cannot start: no luck');
    const config = { key: required('string', 'CART_KEY', { help: 'opens carts' }) };
    expect(await refusalOf({ ...cart, config })).toContain('CART_KEY is not set (opens carts)');
    const migrations = new URL('./fixtures/migrations/', import.meta.url);
    expect(await refusalOf({ ...cart, migrations })).toContain('STOA_DATABASE_URL_CART is not set');
  });

  test('leaves its ports free', async () => {
    const { grpcPort, stop } = await host([cart]);
    const port = { STOA_GRPC_PORT: String(grpcPort) };
    expect(await refusalOf(cart, port)).toContain(String(grpcPort));
    await stop();
    const http = () => ({ port: 0, handler: () => {} });
    const admin = await host([{ ...cart, http }], port);
    expect(await refusalOf({ ...cart, http: () => ({ ...http(), port: admin.httpPorts.cart as number }) })).toContain(
      'is already in use',
    );
  });
});

describe('stopping', () => {
  test('lets a call finish that is under way, and takes no new one', async () => {
    let answer = () => {};
    let began = () => {};
    const hasBegun = new Promise<void>((resolve) => {
      began = resolve;
    });
    const waits = ordersWith({
      async getOrder({ orderId }) {
        began();
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return { order: { id: orderId } };
      },
    });
    const place = await host([waits]);
    const client = await ordersAt(place);
    const call = client.getOrder({ orderId: 'slow' });
    await hasBegun;
    const stopped = place.stop();
    expect(place.readiness()).toEqual({ ready: false, reasons: { host: 'stopping' } });
    answer();
    expect((await call).order?.id).toBe('slow');
    await stopped;
    await expect(get(place.adminPort, '/health/live')).rejects.toThrow();
  });

  test('keeps databases open for a handler whose caller in the same process has left it', async () => {
    const databases = await createTestDatabases({
      adminUrl: inject('postgresUrl'),
      runtime,
      log: createLog('silent'),
      databases: { cart: { folder: undefined, chassis: true } },
    });
    ends.push(() => databases.drop());
    const told: unknown[] = [];
    let began = () => {};
    const hasBegun = new Promise<void>((resolve) => (began = resolve));
    const stores = defineService({
      name: 'cart',
      config: {},
      migrations: new URL('./fixtures/migrations/', import.meta.url),
      rpc: ({ db, clock }) => [
        fake(CartService, {
          async getCheckout(_, { signal }) {
            began();
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
            // Long enough for everything else to be closed.
            await clock.sleep(100);
            told.push(await db.one(sql`select 'stored' as row`).catch((error: Error) => error.message));
            return {};
          },
        }),
      ],
    });
    const asks = defineService({
      name: 'orders',
      config: {},
      jobs: [
        {
          name: 'asks',
          everyMs: 60_000,
          async run({ client }, signal) {
            await client(CartService).getCheckout({ cartId: 'any' }, { signal });
            return false;
          },
        },
      ],
    });
    const { cart: url = '' } = databases.urls;
    const place = await host([stores, asks], { STOA_DATABASE_URL_CART: url });
    await hasBegun;
    await place.stop();
    expect(told).toEqual([{ row: 'stored' }]);
  });

  test('tears down what services have built', async () => {
    const told: string[] = [];
    const builds = ordersWith({}, { setup: () => 'pool', teardown: (deps) => void told.push(`${deps} closed`) });
    const place = await host([builds]);
    await place.stop();
    expect(told).toEqual(['pool closed']);
  });
});

describe('a process tells', () => {
  test('that it lives and whether it is ready, with the reason of every service that is not', async () => {
    let reason: string | undefined;
    const place = await host([{ ...cart, unready: () => reason }, orders]);
    expect(await get(place.adminPort, '/health/ready')).toEqual({ status: 200, text: '{"ready":true,"reasons":{}}\n' });
    reason = 'no keys yet';
    const unready = await get(place.adminPort, '/health/ready');
    expect([unready.status, JSON.parse(unready.text)]).toEqual([503, { ready: false, reasons: { cart: reason } }]);
    expect((await get(place.adminPort, '/health/live')).status).toBe(200);
  });

  test('its calls as metrics, and its configuration without secrets', async () => {
    const place = await host([cart, orders]);
    await (await ordersAt(place)).getOrder({ orderId: 'full' });
    const metrics = (await get(place.adminPort, '/metrics')).text;
    expect(metrics).toMatch(/stoa_rpc_server_seconds_count\{version="unversioned",.*method="GetOrder",code="ok"\} 1/);
    const info = (await get(place.adminPort, '/info')).text;
    expect(JSON.parse(info)).toMatchObject({ services: ['cart', 'orders'], config: { credential: '***' } });
    expect(info).not.toContain(await signServiceCredential(keys.signingKey, ['cart', 'orders']));
    expect((await get(place.adminPort, '/nothing')).status).toBe(404);
  });

  test('that a consumer stands still because its producer was restored to an earlier state', async () => {
    // Of no other test file: they share a broker, and run beside each other.
    const stock = topic('inventory.reservation-events', file_stoa_inventory_v1_reservation_events);
    const databases = await createTestDatabases({
      adminUrl: inject('postgresUrl'),
      runtime,
      log: createLog('silent'),
      databases: { inventory: { folder: undefined, chassis: true }, catalog: { folder: undefined, chassis: true } },
    });
    ends.push(() => databases.drop());
    await databases.open('catalog').run(sql`
      insert into consumer_watermark (consumer, topic, epoch, seq, last_event_id)
      values ('catalog.levels', ${stock.name}, 1, 3, ${runtime.ids.uuid()})`);
    const migrations = new URL('./fixtures/migrations/', import.meta.url);
    const inventory = defineService({ name: 'inventory', config: {}, migrations, publishes: [stock] });
    const levels = consumer({
      name: 'catalog.levels',
      topic: stock,
      on: [on(StockReservedSchema, async () => {})],
    });
    const catalog = defineService({ name: 'catalog', config: {}, migrations, consumers: [levels] });
    const { inventory: first = '', catalog: second = '' } = databases.urls;
    const place = await host([inventory, catalog], {
      STOA_DATABASE_URL_INVENTORY: first,
      STOA_DATABASE_URL_CATALOG: second,
    });
    await expect
      .poll(async () => (await get(place.adminPort, '/health/ready')).text, { timeout: 20_000 })
      .toContain('the producer of inventory.reservation-events was restored to an earlier state');
    expect((await get(place.adminPort, '/health/ready')).status).toBe(503);
  });
});
