// Orders on a real database, beside a cart and a payments service whose answers a test sets, and with the participants'
// replies in short.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { eventTypeOf } from '@stoa/chassis/events/topic';
import { sql } from '@stoa/chassis/postgres/sql';
import { callerOf, type User } from '@stoa/chassis/rpc/caller';
import { failedPrecondition, notFound, reasonOf } from '@stoa/chassis/rpc/errors';
import { systemRuntime } from '@stoa/chassis/runtime';
import { fake } from '@stoa/chassis/testing/fake';
import { received, type TestMessage, testService } from '@stoa/chassis/testing/test-service';
import { type CartSchema, CartService } from '@stoa/proto/stoa/cart/v1/cart_pb';
import {
  StockCommitRefusedSchema,
  StockCommittedSchema,
  StockReleasedSchema,
  StockReservationRefusedSchema,
  StockReservedSchema,
} from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { OrderStatus } from '@stoa/proto/stoa/orders/v1/order_pb';
import { OrdersService, type PlaceOrderRequestSchema } from '@stoa/proto/stoa/orders/v1/orders_pb';
import {
  PaymentActionRequiredSchema,
  PaymentAuthorizedSchema,
  PaymentCancelledSchema,
  PaymentCapturedSchema,
  PaymentCaptureFailedSchema,
  PaymentDeclinedSchema,
} from '@stoa/proto/stoa/payments/v1/events_pb';
import { PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { ShipmentCreatedSchema, ShipmentRefusedSchema } from '@stoa/proto/stoa/shipping/v1/events_pb';
import { inject } from 'vitest';
import type { OrdersContext } from '../../src/context.ts';
import { orders } from '../../src/service.ts';

export type CartInit = MessageInitShape<typeof CartSchema>;
type PlaceInit = MessageInitShape<typeof PlaceOrderRequestSchema>;

type Request = PlaceInit & { readonly cartId: string; readonly idempotencyKey: string };

export const ada: User = { id: '0190a000-0000-7000-8000-00000000000a', role: 'customer' };
export const bob: User = { id: '0190a000-0000-7000-8000-00000000000b', role: 'customer' };
export const staff: User = { id: '0190a000-0000-7000-8000-0000000000ff', role: 'staff' };

export const eur = (minor: bigint) => ({ currency: 'EUR', minor });
export const address = { name: 'Ada Lovelace', line1: '1 Analytical Road', city: 'Berlin', country: 'DE' };
export const newId = systemRuntime().ids.uuid;

/** A cart as cart answers it at checkout: 2 mugs and shipping, 44.88 together. */
function cartOf(id: string, over: Partial<CartInit> = {}): CartInit {
  const usual: CartInit = {
    id,
    version: 1n,
    currency: 'EUR',
    email: 'ada@example.org',
    address,
    shippingMethodId: 'standard',
    lines: [
      {
        sku: 'MUG',
        quantity: 2,
        productId: 'p-mug',
        productName: 'Mug',
        variantName: 'Blue',
        unitPrice: eur(1999n),
        lineTotal: eur(3998n),
        priceVersion: 7,
      },
    ],
    totals: { subtotal: eur(3998n), shipping: eur(490n), tax: eur(716n), total: eur(4488n) },
  };
  return { ...usual, ...over } as CartInit;
}

const INVENTORY = {
  StockReserved: (orderId: string) => received(StockReservedSchema, { orderId }),
  StockReservationRefused: (orderId: string, reason = 'INSUFFICIENT_STOCK') =>
    received(StockReservationRefusedSchema, { orderId, reason, skus: ['MUG'] }),
  StockCommitted: (orderId: string) => received(StockCommittedSchema, { orderId }),
  StockCommitRefused: (orderId: string, reason = 'HOLD_EXPIRED') =>
    received(StockCommitRefusedSchema, { orderId, reason }),
  StockReleased: (orderId: string, reason = 'RELEASED') => received(StockReleasedSchema, { orderId, reason }),
};
const PAYMENTS = {
  PaymentActionRequired: (orderId: string) => received(PaymentActionRequiredSchema, { orderId, version: 1n }),
  PaymentAuthorized: (orderId: string) => received(PaymentAuthorizedSchema, { orderId, version: 1n }),
  PaymentDeclined: (orderId: string, reason = 'CARD_DECLINED') =>
    received(PaymentDeclinedSchema, { orderId, version: 1n, reason }),
  PaymentCaptured: (orderId: string) => received(PaymentCapturedSchema, { orderId, version: 2n }),
  PaymentCaptureFailed: (orderId: string, reason = 'CAPTURE_REFUSED') =>
    received(PaymentCaptureFailedSchema, { orderId, version: 2n, reason }),
  PaymentCancelled: (orderId: string) => received(PaymentCancelledSchema, { orderId, version: 3n }),
};
const SHIPPING = {
  ShipmentCreated: (orderId: string, trackingNumber = '003400011') =>
    received(ShipmentCreatedSchema, { orderId, version: 1n, shipment: { orderId, trackingNumber } }),
  ShipmentRefused: (orderId: string, reason = 'UNKNOWN_METHOD') =>
    received(ShipmentRefusedSchema, { orderId, version: 1n, reason }),
};

/** Every reply of a participant, by its name. */
export const REPLIES = { ...INVENTORY, ...PAYMENTS, ...SHIPPING };
export type Reply = keyof typeof REPLIES;

/** The replies of an order for which all goes well. */
export const ALL_WELL: readonly Reply[] = [
  'StockReserved',
  'PaymentAuthorized',
  'StockCommitted',
  'PaymentCaptured',
  'ShipmentCreated',
];

const STATUS_NAMES: ReadonlyMap<OrderStatus, string> = new Map(
  Object.entries(OrderStatus).map(([name, value]) => [value, name]),
);

const consumerOf = ({ schema }: TestMessage) => `orders.${eventTypeOf(schema).topic.split('.')[0]}`;

export async function openOrders(env: Readonly<Record<string, string>> = {}) {
  const runtime = systemRuntime();
  const carts = new Map<string, CartInit>();
  const spent = new Set<string>();
  const soldOut = new Set<string>();
  const state = {
    checkouts: 0,
    stoppedAt: undefined as Date | undefined,
    /** Happens once, while orders waits for the cart. */
    meanwhile: undefined as (() => Promise<void>) | undefined,
  };
  const service = await testService(orders, {
    postgresUrl: inject('postgresUrl'),
    // Some tests break things on purpose; what the service then says in the log is not what they are about.
    logLevel: 'silent',
    env: { STOA_ORDER_TOKEN_SECRET: 'a secret of at least 32 characters', ...env },
    runtime: { clock: { ...runtime.clock, now: () => state.stoppedAt ?? runtime.clock.now() } },
    fakes: [
      fake(CartService, {
        async getCheckout({ cartId }, call) {
          state.checkouts++;
          const { meanwhile } = state;
          state.meanwhile = undefined;
          await meanwhile?.();
          const cart = carts.get(cartId);
          const owner = cart?.customerId ?? '';
          if (cart === undefined || (owner !== '' && owner !== callerOf(call).user?.id)) {
            throw notFound('CART_NOT_FOUND', 'no such cart');
          }
          if (spent.has(cartId)) throw failedPrecondition('CART_ALREADY_ORDERED', 'ordered already');
          if (soldOut.has(cartId)) throw failedPrecondition('CART_HAS_PROBLEMS', 'sold out');
          if (cart.lines?.length === 0) throw failedPrecondition('CART_EMPTY', 'nothing in it');
          return { cart };
        },
      }),
      fake(PaymentsService, { listMethods: () => ({ methods: [{ id: 'card', name: 'Card' }] }) }),
    ],
  });
  const context = service.context as OrdersContext;
  const as = (user?: User) => service.client(OrdersService, user === undefined ? {} : { user });
  const guest = as();

  function newCart(over: CartInit = {}): string {
    const id = newId();
    carts.set(id, cartOf(id, over));
    return id;
  }

  /** A valid request: a new cart under a new key, unless told otherwise. */
  function request(over: PlaceInit = {}): Request {
    const cartId = over.cartId ?? newCart();
    const usual = { idempotencyKey: newId(), paymentMethodId: 'card', paymentToken: 'tok_approve' };
    return { ...usual, ...over, cartId } as Request;
  }

  async function newOrder(user?: User, over: CartInit = {}): Promise<string> {
    const cartId = newCart({ customerId: user?.id ?? '', ...over });
    const { order } = await as(user).placeOrder(request({ cartId }));
    return order?.id as string;
  }

  async function deliver(...messages: TestMessage[]): Promise<void> {
    for (const message of messages) await service.deliver(consumerOf(message), [message]);
  }

  /** Replies about one order, one after the other. */
  const reply = (orderId: string, ...replies: readonly Reply[]) =>
    deliver(...replies.map((name) => REPLIES[name](orderId)));

  /** Everything published about an order, in order, in short. */
  async function told(orderId: string): Promise<string[]> {
    const published = (await service.outbox()).filter(({ aggregateId }) => aggregateId === orderId);
    return published.map(({ type }) => type.slice(type.lastIndexOf('.') + 1));
  }

  async function sagaOf(orderId: string) {
    return service.db.one(sql<{ state: string; version: number; attempts: number; reason: string }>`
      select state, version, attempts, reason from saga where saga_id = ${orderId}`);
  }

  async function orderOf(orderId: string) {
    const { order } = await as(staff).getOrder({ orderId });
    if (order === undefined) throw new Error('no order');
    const { status, reason, version, trackingNumber } = order;
    return { status: STATUS_NAMES.get(status), reason, version, trackingNumber };
  }

  /** Lets the timers of the given orders run out. */
  const letTimePass = (...orderIds: string[]) =>
    service.db.run(sql`update saga set wake_at = now() where saga_id = any(${orderIds}::uuid[])`);

  return {
    ...service,
    context,
    carts,
    spent,
    soldOut,
    state,
    as,
    guest,
    newCart,
    request,
    newOrder,
    reply,
    told,
    sagaOf,
    orderOf,
    letTimePass,
    deliverAll: deliver,
  };
}

export type Orders = Awaited<ReturnType<typeof openOrders>>;

/** Code and reason of a call that must fail. */
export async function refused(call: Promise<unknown>): Promise<[string, string | undefined]> {
  const error = await refusal(call);
  return [Code[error.code], reasonOf(error)];
}

export async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error('the call was expected to fail');
}
