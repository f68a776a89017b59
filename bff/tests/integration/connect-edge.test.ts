import type { DescService } from '@bufbuild/protobuf';
import { getOption } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { failedPrecondition, invalidArgument, reasonOf, refuse, violationsOf } from '@stoa/chassis/rpc/errors';
import { CartService } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { CatalogService } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { EventLogService } from '@stoa/proto/stoa/chassis/v1/event_log_pb';
import { IdentityService } from '@stoa/proto/stoa/identity/v1/identity_pb';
import { InventoryService } from '@stoa/proto/stoa/inventory/v1/inventory_pb';
import { NotificationsService } from '@stoa/proto/stoa/notifications/v1/notifications_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { Audience, method as policyOption } from '@stoa/proto/stoa/policy/v1/policy_pb';
import { ShippingService } from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { accessToken, type BffUnderTest, startBff } from '../bff-under-test.ts';
import { CART_ID, createFakes, ORDER_ID, USER } from '../fakes.ts';

const fakes = createFakes();
let bff: BffUnderTest;
beforeAll(async () => {
  bff = await startBff({ fakes: fakes.services });
});
afterEach(() => fakes.reset());
afterAll(() => bff.stop());

const TRANSPORTS = [
  ['Connect', () => createConnectTransport({ baseUrl: bff.url, httpVersion: '1.1' })],
  ['Connect with JSON', () => createConnectTransport({ baseUrl: bff.url, httpVersion: '1.1', useBinaryFormat: false })],
  ['gRPC-Web', () => createGrpcWebTransport({ baseUrl: bff.url, httpVersion: '1.1' })],
] as const;

const caught = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => ConnectError.from(error),
  );

describe.each(TRANSPORTS)('over %s', (_, transport) => {
  test('a generated client calls the service itself', async () => {
    const { cart } = await createClient(CartService, transport()).getCart({ cartId: CART_ID });
    expect(cart).toMatchObject({ id: CART_ID, totals: { total: { minor: 2990n } } });
  });

  test('token, trace and deadline are relayed; headers of our own are not taken from outside', async () => {
    const token = accessToken(USER);
    await createClient(OrdersService, transport()).listOrders(
      {},
      {
        timeoutMs: 1_500,
        headers: {
          authorization: `Bearer ${token}`,
          traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
          'x-stoa-client-address': '8.8.8.8',
          'x-stoa-service-credential': 'forged',
          'l5d-client-id': 'forged',
          'x-stoa-canary': 'orders',
        },
      },
    );
    const [call] = fakes.asked;
    expect(call?.header.get('authorization')).toBe(`Bearer ${token}`);
    expect(call?.header.get('traceparent')).toContain('0af7651916cd43dd8448eb211c80319c');
    expect(call?.header.get('x-stoa-edge')).toBe('1');
    expect(call?.header.get('x-stoa-client-address')).toContain('127.0.0.1');
    expect(call?.header.get('x-stoa-service-credential')).toBeNull();
    expect(call?.header.get('l5d-client-id')).toBeNull();
    expect(call?.header.get('x-stoa-canary')).toBe('orders');
    expect(call?.timeoutMs).toBeLessThanOrEqual(1_500);
  });

  test('refusals arrive with reason and violations', async () => {
    fakes.answer('getCart', () => {
      throw failedPrecondition('CART_EMPTY', 'the cart is empty');
    });
    const client = createClient(CartService, transport());
    const refused = await caught(client.getCart({ cartId: CART_ID }));
    expect(refused?.code).toBe(Code.FailedPrecondition);
    expect(refused?.rawMessage).toBe('the cart is empty');
    expect(reasonOf(refused)).toBe('CART_EMPTY');
    fakes.answer('getCart', () => {
      throw invalidArgument([{ field: 'cart_id', description: 'must be a UUID' }]);
    });
    expect(violationsOf(await caught(client.getCart({ cartId: 'x' })))).toMatchObject([
      { field: 'cart_id', description: 'must be a UUID' },
    ]);
  });

  test('bugs arrive without their text', async () => {
    fakes.answer('getCart', () => {
      throw new Error('select secret from vault');
    });
    const error = await caught(createClient(CartService, transport()).getCart({ cartId: CART_ID }));
    expect(error?.code).toBe(Code.Internal);
    expect(error?.message).not.toContain('secret');
  });

  test('texts of transports, which name addresses, stay inside; what a service wrote does not', async () => {
    const client = createClient(CartService, transport());
    for (const code of [Code.Unavailable, Code.DeadlineExceeded, Code.ResourceExhausted, Code.Unknown]) {
      fakes.answer('getCart', () => {
        throw new ConnectError('connect ECONNREFUSED 10.1.2.3:50051', code);
      });
      const error = await caught(client.getCart({ cartId: CART_ID }));
      expect(error?.message).not.toContain('10.1.2.3');
    }
    fakes.answer('getCart', () => {
      throw refuse(Code.ResourceExhausted, 'OVERLOADED', 'too many requests at once');
    });
    expect((await caught(client.getCart({ cartId: CART_ID })))?.rawMessage).toBe('too many requests at once');
  });

  test('a method for customers needs a token, and a bad token is refused everywhere', async () => {
    const orders = createClient(OrdersService, transport());
    expect((await caught(orders.listOrders({})))?.code).toBe(Code.Unauthenticated);
    for (const authorization of ['Bearer garbage', 'Basic YTpi', `Bearer ${accessToken(USER, -30)}`]) {
      const error = await caught(orders.getOrder({ orderId: ORDER_ID }, { headers: { authorization } }));
      expect(error?.code).toBe(Code.Unauthenticated);
    }
  });

  test('internal methods are not served', async () => {
    const token = { headers: { authorization: `Bearer ${accessToken({ ...USER, role: 'staff' })}` } };
    const error = await caught(createClient(PaymentsService, transport()).getPayment({ orderId: ORDER_ID }, token));
    expect(error?.code).toBe(Code.Unimplemented);
    expect(fakes.asked).toEqual([]);
  });
});

describe('a message that cannot be read is the client’s error, and nothing is asked:', () => {
  const send = async (type: string, body: Uint8Array) => {
    const response = await fetch(`${bff.url}/${CartService.typeName}/GetCart`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: body as Uint8Array<ArrayBuffer>,
    });
    return [response.status, ((await response.json()) as { code?: string }).code];
  };
  const text = (before: string, bytes: readonly number[], after: string) =>
    Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);

  test.each([
    ['JSON with a byte that is no UTF-8', 'application/json', text('{"cartId":"x', [0xff], '"}')],
    ['JSON with half a character', 'application/json', text('{"cartId":"x\\ud800"}', [], '')],
    ['protobuf with a byte that is no UTF-8', 'application/proto', Buffer.from([0x0a, 2, 0x78, 0xff])],
    ['protobuf that ends early', 'application/proto', Buffer.from([0x0a, 9, 0x78])],
  ])('%s', async (_, type, body) => {
    expect(await send(type, body)).toEqual([400, 'invalid_argument']);
    expect(fakes.asked).toEqual([]);
  });

  test('one that can is read', async () => {
    expect((await send('application/json', text('{"cartId":"xé"}', [], '')))[0]).toBe(200);
    expect(fakes.asked[0]?.request.cartId).toBe('xé');
  });
});

test('exactly the methods whose contract admits outsiders through the BFF are served', async () => {
  const services: DescService[] = [
    CartService,
    CatalogService,
    EventLogService,
    IdentityService,
    InventoryService,
    NotificationsService,
    OrdersService,
    PaymentsService,
    ShippingService,
  ];
  for (const { typeName, methods } of services) {
    for (const method of methods) {
      const { audience, callers } = getOption(method, policyOption);
      const outside = [Audience.PUBLIC, Audience.CUSTOMER, Audience.STAFF].some((each) => each === audience);
      const expected = outside && (callers.includes('bff') || callers.includes('*'));
      const response = await fetch(`${bff.url}/${typeName}/${method.name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      await response.arrayBuffer();
      expect(response.status !== 404, `${typeName}/${method.name}`).toBe(expected);
    }
  }
});

test('a message of more than 64 KiB is refused', async () => {
  const response = await fetch(`${bff.url}/stoa.cart.v1.CartService/GetCart`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ cartId: 'x'.repeat(70_000) }),
  });
  expect(await response.json()).toMatchObject({ code: 'resource_exhausted' });
});
