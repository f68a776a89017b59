// The event stream of an order: the outbox' topic orders.events is its store. Each event carries the order after it.
import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import type { Cause } from '@stoa/chassis/events/envelope';
import type { Publish } from '@stoa/chassis/events/publish';
import { topic } from '@stoa/chassis/events/topic';
import type { Queryable, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import {
  file_stoa_orders_v1_events,
  OrderCancelledSchema,
  OrderConfirmedSchema,
  OrderPaymentActionRequiredSchema,
  OrderPlacedSchema,
  OrderRejectedSchema,
  OrderShipmentCreatedSchema,
} from '@stoa/proto/stoa/orders/v1/events_pb';
import type { Order, OrderChange } from '../domain/order.ts';
import { readOrder, writeOrder } from './order-message.ts';

export const orderEvents = topic('orders.events', file_stoa_orders_v1_events);

const CHANGE_EVENTS = {
  payment_action_required: OrderPaymentActionRequiredSchema,
  confirmed: OrderConfirmedSchema,
  rejected: OrderRejectedSchema,
  cancelled: OrderCancelledSchema,
  shipment_created: OrderShipmentCreatedSchema,
} as const satisfies Record<OrderChange['kind'], DescMessage>;

export function publishPlaced(tx: Tx, publish: Publish, order: Order, cause: Cause): void {
  publish(tx, OrderPlacedSchema, { orderId: order.id, version: order.version, order: writeOrder(order) }, cause);
}

export function publishChange(tx: Tx, publish: Publish, change: OrderChange['kind'], order: Order, cause: Cause): void {
  // The events of an order differ in name only.
  const schema = CHANGE_EVENTS[change] as typeof OrderConfirmedSchema;
  publish(tx, schema, { orderId: order.id, version: order.version, order: writeOrder(order) }, cause);
}

export interface StreamEntry {
  /** Short name of the event, for example "OrderConfirmed". */
  readonly type: string;
  readonly occurredAt: Date;
  /** The order after the event. */
  readonly order: Order;
}

interface StreamRow {
  aggregate_id: string;
  type: string;
  payload: Buffer;
  created_at: Date;
}

/** The stream, oldest first; up to a moment when one is given. Empty when the order did not exist (yet). */
export async function readStream(db: Queryable, orderId: string, until: Date | null = null): Promise<StreamEntry[]> {
  const rows = await db.rows(sql<StreamRow>`
    select aggregate_id, type, payload, created_at from outbox
    where topic = ${orderEvents.name} and aggregate_id = ${orderId} and aggregate_version is not null
      and (${until}::timestamptz is null or created_at <= ${until}::timestamptz)
    order by aggregate_version`);
  return rows.map(toEntry);
}

/** The streams of orders that exist, by order id, each oldest first. */
export async function readStreams(db: Queryable, orderIds: readonly string[]): Promise<Map<string, StreamEntry[]>> {
  const rows = await db.rows(sql<StreamRow>`
    select aggregate_id, type, payload, created_at from outbox
    where topic = ${orderEvents.name} and aggregate_id = any(${orderIds}::text[]) and aggregate_version is not null
    order by aggregate_version`);
  const streams = new Map<string, StreamEntry[]>(orderIds.map((id) => [id, []]));
  for (const row of rows) streams.get(row.aggregate_id)?.push(toEntry(row));
  return streams;
}

function toEntry({ type, payload, created_at }: StreamRow): StreamEntry {
  return { type: type.slice(type.lastIndexOf('.') + 1), occurredAt: created_at, order: orderIn(type, payload) };
}

function orderIn(type: string, payload: Uint8Array): Order {
  const schema = orderEvents.types.get(type)?.schema;
  if (schema === undefined) throw new Error(`an order's stream holds an event of unknown type ${type}`);
  const { order } = fromBinary(schema, payload) as MessageShape<typeof OrderPlacedSchema>;
  if (order === undefined) throw new Error(`${type} carries no order`);
  return readOrder(order);
}
