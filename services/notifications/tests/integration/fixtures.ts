// Orders as events carry them, contacts as orders answers them, and SQL to look behind the API.
import type { MethodImpl } from '@connectrpc/connect';
import type { Database } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { systemRuntime } from '@stoa/chassis/runtime';
import { fake } from '@stoa/chassis/testing/fake';
import { received, type TestMessage } from '@stoa/chassis/testing/test-service';
import {
  OrderCancelledSchema,
  OrderConfirmedSchema,
  OrderPlacedSchema,
  OrderRejectedSchema,
  OrderShipmentCreatedSchema,
} from '@stoa/proto/stoa/orders/v1/events_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';

export const newId = systemRuntime().ids.uuid;

const SCHEMAS = {
  placed: OrderPlacedSchema,
  confirmed: OrderConfirmedSchema,
  rejected: OrderRejectedSchema,
  cancelled: OrderCancelledSchema,
  shipped: OrderShipmentCreatedSchema,
};
const VERSIONS = { placed: 1n, confirmed: 2n, rejected: 2n, cancelled: 3n, shipped: 3n };

export interface OrderOptions {
  readonly customerId?: string;
  readonly reason?: string;
  readonly trackingNumber?: string;
}

/** An event of an order with one line. */
export function orderEvent(kind: keyof typeof SCHEMAS, orderId: string, options: OrderOptions = {}): TestMessage {
  const { customerId = '', reason = '', trackingNumber = '' } = options;
  const version = VERSIONS[kind];
  const eur = (minor: bigint) => ({ currency: 'EUR', minor });
  return received(SCHEMAS[kind], {
    orderId,
    version,
    order: {
      id: orderId,
      number: 'S-1',
      version,
      customerId,
      reason,
      trackingNumber,
      lines: [{ sku: 'oak', quantity: 2, productName: 'Oak table', unitPrice: eur(100n), lineTotal: eur(200n) }],
      totals: { subtotal: eur(200n), shipping: eur(0n), tax: eur(32n), total: eur(200n) },
    },
  });
}

/** Orders' contacts: everybody at an address of their order's own, unless told otherwise. */
export function fakeOrders() {
  const state = {
    /** Contacts that differ; null means that orders does not know the order. */
    emails: new Map<string, string | null>(),
    down: false,
    asked: [] as number[],
    while: async () => {},
  };
  const getContacts: MethodImpl<typeof OrdersService.method.getContacts> = async ({ orderIds }) => {
    state.asked.push(orderIds.length);
    await state.while();
    if (state.down) throw new Error('orders is down');
    const contacts = orderIds.flatMap((orderId) => {
      const email = state.emails.has(orderId) ? state.emails.get(orderId) : `${orderId}@example.com`;
      if (typeof email !== 'string') return [];
      return [{ orderId, orderNumber: `N-${orderId.slice(-4)}`, email, address: { name: 'Ada' } }];
    });
    return { contacts };
  };
  return { state, service: fake(OrdersService, { getContacts }) };
}

export interface NotificationRow {
  readonly template: string;
  readonly state: string;
  readonly reason: string;
  readonly attempts: number;
}

export function notificationsOf(db: Database, orderId: string): Promise<NotificationRow[]> {
  return db.rows(sql<NotificationRow>`
    select template, state, reason, attempts from notification where order_id = ${orderId} order by seq`);
}

/** Makes what waits for its next attempt, or for a lease to end, due now. */
export function makeDue(db: Database): Promise<number> {
  return db.run(sql`update notification set next_attempt_at = now() where state = 'QUEUED'`);
}
