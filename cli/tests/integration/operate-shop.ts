// The services of a checkout on real databases, without a broker between them: a test hands over what it wants handed
// over, so an order stands exactly where it should. And the operator's view of the same databases.
import { lockHeads, numberPending, openHeads } from '@stoa/chassis/events/outbox';
import type { AnyService } from '@stoa/chassis/host/build-service';
import { sql } from '@stoa/chassis/postgres/sql';
import { OPERATOR_REQUESTS_JOB } from '@stoa/chassis/saga/operator-requests';
import { fake } from '@stoa/chassis/testing/fake';
import { received, type TestMessage, type TestService, testService } from '@stoa/chassis/testing/test-service';
import { inventory } from '@stoa/inventory';
import { orders } from '@stoa/orders';
import { payments } from '@stoa/payments';
import { CartService } from '@stoa/proto/stoa/cart/v1/cart_pb';
import {
  StockCommittedSchema,
  StockReleasedSchema,
  StockReservedSchema,
} from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import {
  PaymentActionRequiredSchema,
  PaymentAuthorizedSchema,
  PaymentCancelledSchema,
  PaymentCapturedSchema,
  PaymentDeclinedSchema,
} from '@stoa/proto/stoa/payments/v1/events_pb';
import { PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { shipping } from '@stoa/shipping';
import { inject } from 'vitest';
import { openShopData } from '../../src/operate/shop-data.ts';

const eur = (minor: bigint) => ({ currency: 'EUR', minor });

function cart(id: string) {
  const line = {
    sku: 'MUG',
    quantity: 2,
    productId: 'p-mug',
    productName: 'Mug',
    variantName: 'Blue',
    priceVersion: 7,
  };
  return {
    id,
    version: 1n,
    currency: 'EUR',
    email: 'ada@example.org',
    address: { name: 'Ada Lovelace', line1: '1 Analytical Road', city: 'Berlin', country: 'DE' },
    shippingMethodId: 'standard',
    lines: [{ ...line, unitPrice: eur(1999n), lineTotal: eur(3998n) }],
    totals: { subtotal: eur(3998n), shipping: eur(490n), tax: eur(716n), total: eur(4488n) },
  };
}

const REPLIES = {
  StockReserved: ['orders.inventory', (orderId: string) => received(StockReservedSchema, { orderId })],
  StockCommitted: ['orders.inventory', (orderId: string) => received(StockCommittedSchema, { orderId })],
  StockReleased: ['orders.inventory', (orderId: string) => received(StockReleasedSchema, { orderId })],
  PaymentAuthorized: [
    'orders.payments',
    (orderId: string) => received(PaymentAuthorizedSchema, { orderId, version: 1n }),
  ],
  PaymentActionRequired: [
    'orders.payments',
    (orderId: string) => received(PaymentActionRequiredSchema, { orderId, version: 1n }),
  ],
  PaymentDeclined: ['orders.payments', (orderId: string) => received(PaymentDeclinedSchema, { orderId, version: 2n })],
  PaymentCaptured: ['orders.payments', (orderId: string) => received(PaymentCapturedSchema, { orderId, version: 2n })],
  PaymentCancelled: [
    'orders.payments',
    (orderId: string) => received(PaymentCancelledSchema, { orderId, version: 3n }),
  ],
} as const satisfies Record<string, readonly [string, (orderId: string) => TestMessage]>;

export type Reply = keyof typeof REPLIES;

/** Replies until the saga is in the state of the key. */
export const UNTIL = {
  AUTHORIZING: ['StockReserved'],
  CAPTURING: ['StockReserved', 'PaymentAuthorized', 'StockCommitted'],
  ARRANGING_SHIPMENT: ['StockReserved', 'PaymentAuthorized', 'StockCommitted', 'PaymentCaptured'],
} as const satisfies Record<string, readonly Reply[]>;

const open = (definition: AnyService, over: Partial<Parameters<typeof testService>[1]> = {}) =>
  testService(definition, { postgresUrl: inject('postgresUrl'), logLevel: 'silent', ...over });

/** What an operator gets on databases of `testService`. */
export function openData(urls: Readonly<Record<string, string>>) {
  const owner = (name: string) => (urls[name] as string).replace(/:\/\/(\w+):/, '://$1_owner:');
  return openShopData({ urls, running: true, owner });
}

export async function openShop() {
  const [ordersService, ...others] = await Promise.all([
    open(orders, {
      env: { STOA_ORDER_TOKEN_SECRET: 'a secret of at least 32 characters' },
      fakes: [
        fake(CartService, { getCheckout: ({ cartId }) => ({ cart: cart(cartId) }) }),
        fake(PaymentsService, { listMethods: () => ({ methods: [{ id: 'card', name: 'Card' }] }) }),
      ],
    }),
    open(inventory),
    open(payments),
    open(shipping),
  ]);
  const services: readonly TestService[] = [ordersService, ...others];
  const urls = Object.assign({}, ...services.map((service) => service.urls));
  const data = openData(urls);
  const { db } = ordersService;
  const client = ordersService.client(OrdersService);

  /** Numbers what is in orders' outbox, as its publisher would. */
  async function number(): Promise<void> {
    const topics = (orders.publishes ?? []).map(({ name }) => name);
    await db.transact((tx) => openHeads(tx, topics));
    await db.transact(async (tx) => {
      await lockHeads(tx, topics);
      await numberPending(tx, 500);
    });
  }

  async function reply(orderId: string, ...replies: readonly Reply[]): Promise<void> {
    for (const name of replies) {
      const [consumer, message] = REPLIES[name];
      await ordersService.deliver(consumer, [message(orderId)]);
    }
  }

  return {
    data,
    db,
    orders: ordersService,
    shipping: others[2] as TestService,
    reply,
    number,
    /** A new order, its saga in that state. */
    async orderIn(state: keyof typeof UNTIL): Promise<string> {
      const ids = data.runtime.ids;
      const request = { cartId: ids.uuid(), idempotencyKey: ids.uuid(), paymentMethodId: 'card' };
      const { order } = await client.placeOrder({ ...request, paymentToken: 'tok_approve' });
      await reply(order?.id as string, ...UNTIL[state]);
      return order?.id as string;
    },
    stateOf: async (orderId: string) =>
      (await db.one(sql<{ state: string }>`select state from saga where saga_id = ${orderId}`)).state,
    statusOf: async (orderId: string) =>
      (await db.one(sql<{ status: string }>`select status from orders where id = ${orderId}`)).status,
    /** Lets a saga's timer run out after it has been in its state for so long. */
    async letTimePass(orderId: string, seconds: number): Promise<void> {
      await db.run(sql`
        update saga set wake_at = now(), entered_at = now() - make_interval(secs => ${seconds})
        where saga_id = ${orderId}`);
      await ordersService.runJob('checkout-timers');
    },
    /** Runs what an operator waits for while orders works, as its job loop would. */
    async whileOrdersRuns<T>(work: () => Promise<T>): Promise<T> {
      let isDone = false;
      const done = work().finally(() => {
        isDone = true;
      });
      // Whoever awaits the result hears of a failure; the loop only must not outlive it.
      done.catch(() => {});
      while (!isDone) {
        await ordersService.runJob(OPERATOR_REQUESTS_JOB);
        await data.runtime.clock.sleep(20);
      }
      return done;
    },
    async stop(): Promise<void> {
      await data.close();
      await Promise.all(services.map((service) => service.stop()));
    },
  };
}

export type Shop = Awaited<ReturnType<typeof openShop>>;
