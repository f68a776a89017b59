// orders.view: the state row of each order, from its event stream. The stream is never deleted, and each event carries
// the order after it, so the last one of each order is the row.
import { fromBinary, type MessageShape } from '@bufbuild/protobuf';
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Order } from '@stoa/orders/domain/order';
import { orderEvents } from '@stoa/orders/infrastructure/order-events';
import { encodeOrder, readOrder } from '@stoa/orders/infrastructure/order-message';
import type { OrderPlacedSchema } from '@stoa/proto/stoa/orders/v1/events_pb';
import type { ShopData } from '../shop-data.ts';
import { type Built, type ReadModel, SHADOW, statement } from './read-model.ts';

const PAGE = 1000;
const COLUMNS = [
  'number',
  'version',
  'status',
  'customer_id',
  'cart_id',
  'cart_version',
  'currency',
  'total_minor',
  'placed_at',
  'updated_at',
  'state',
] as const;

interface StreamEnd {
  aggregate_id: string;
  type: string;
  payload: Buffer;
}

function orderIn({ type, payload }: StreamEnd): Order {
  const schema = orderEvents.types.get(type)?.schema;
  if (schema === undefined) throw new Error(`an order's stream holds an event of unknown type ${type}`);
  // The events of an order differ in name only.
  const { order } = fromBinary(schema, payload) as MessageShape<typeof OrderPlacedSchema>;
  if (order === undefined) throw new Error(`${type} carries no order`);
  return readOrder(order);
}

async function store(tx: Tx, ends: readonly StreamEnd[]): Promise<void> {
  const orders = ends.map(orderIn);
  await tx.run(
    statement(
      `insert into ${SHADOW} (id, ${COLUMNS.join(', ')})
       select id, number, version, status, nullif(customer_id, '')::uuid, cart_id, cart_version, currency, total_minor,
         placed_at, updated_at, state
       from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::uuid[], $7::bigint[], $8::text[],
         $9::bigint[], $10::timestamptz[], $11::timestamptz[], $12::bytea[])
         as o (id, number, version, status, customer_id, cart_id, cart_version, currency, total_minor, placed_at,
           updated_at, state)`,
      orders.map((order) => order.id),
      orders.map((order) => order.number),
      orders.map((order) => order.version),
      orders.map((order) => order.status),
      orders.map((order) => order.customerId),
      orders.map((order) => order.cartId),
      orders.map((order) => order.cartVersion),
      orders.map((order) => order.totals.total.currency),
      orders.map((order) => order.totals.total.minor),
      orders.map((order) => order.placedAt),
      orders.map((order) => order.updatedAt),
      orders.map(encodeOrder),
    ),
  );
}

async function build(tx: Tx): Promise<Built> {
  let [after, orders] = ['', 0];
  for (;;) {
    const page = await tx.rows(sql<StreamEnd>`
      select distinct on (aggregate_id) aggregate_id, type, payload from outbox
      where topic = ${orderEvents.name} and aggregate_version is not null and aggregate_id > ${after}
      order by aggregate_id, aggregate_version desc limit ${PAGE}`);
    if (page.length > 0) await store(tx, page);
    orders += page.length;
    after = page.at(-1)?.aggregate_id ?? after;
    if (page.length < PAGE) break;
  }
  const { events } = await tx.one(sql<{ events: bigint }>`
    select count(*) as events from outbox where topic = ${orderEvents.name}`);
  return { events: Number(events), upTo: `the last event of ${orders} orders`, kept: 0 };
}

async function renew(tx: Tx, _data: ShopData, keys: readonly string[]): Promise<void> {
  // Whoever changes an order changes its row first; whoever has, has written its event when the lock is given.
  await tx.rows(sql`select id from orders where id = any(${keys}::uuid[]) order by id for update`);
  const ends = await tx.rows(sql<StreamEnd>`
    select distinct on (aggregate_id) aggregate_id, type, payload from outbox
    where topic = ${orderEvents.name} and aggregate_version is not null and aggregate_id = any(${keys}::text[])
    order by aggregate_id, aggregate_version desc`);
  if (ends.length > 0) await store(tx, ends);
}

export const ordersView: ReadModel = {
  name: 'orders.view',
  database: 'orders',
  table: 'orders',
  key: 'id',
  keyType: 'uuid',
  columns: COLUMNS,
  // An order without events is not a stale view but a lost stream: its contact and its money refer to it.
  deletesExtra: false,
  build,
  renew,
};
