// SQL of the orders themselves: the state row, which is also the head of the event stream.
import type { Queryable, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Order } from '../domain/order.ts';
import { decodeOrder, encodeOrder } from './order-message.ts';

/** Orders by id; unknown ids are absent. */
export async function loadOrders(db: Queryable, ids: readonly string[]): Promise<Map<string, Order>> {
  const rows = await db.rows(sql<{ id: string; state: Buffer }>`
    select id, state from orders where id = any(${ids}::uuid[])`);
  return new Map(rows.map(({ id, state }) => [id, decodeOrder(state)]));
}

/** Saves changed orders, each at exactly the version before; throws when any was changed by somebody else. */
export async function saveOrders(tx: Tx, orders: readonly Order[]): Promise<void> {
  if (orders.length === 0) return;
  const saved = await tx.run(sql`
    update orders o set version = c.version, status = c.status, updated_at = c.updated_at, state = c.state
    from unnest(
      ${orders.map((o) => o.id)}::uuid[], ${orders.map((o) => o.version)}::bigint[],
      ${orders.map((o) => o.status)}::text[], ${orders.map((o) => o.updatedAt)}::timestamptz[],
      ${orders.map(encodeOrder)}::bytea[]) as c (id, version, status, updated_at, state)
    where o.id = c.id and o.version = c.version - 1`);
  if (saved !== orders.length) throw new Error('an order was changed at the same time');
}

export interface NewOrder {
  readonly order: Order;
  readonly email: string;
  readonly address: Uint8Array;
  readonly keyScope: string;
  readonly key: string;
  readonly requestHash: Uint8Array;
}

/**
 * Stores an order under its idempotency key, with its contact, in one statement; false when the key is taken.
 * Violates `orders_cart_id_cart_version_key` when the cart was spent by another key.
 */
export async function insertOrder(tx: Tx, { order, email, address, keyScope, key, requestHash }: NewOrder) {
  const stored = await tx.run(sql`
    with claimed as (
      insert into idempotency_key (scope, key, request_hash, order_id)
      values (${keyScope}, ${key}, ${requestHash}, ${order.id}) on conflict do nothing
      returning order_id
    ), placed as (
      insert into orders (id, number, version, status, customer_id, cart_id, cart_version, currency, total_minor,
        placed_at, updated_at, state)
      select order_id, ${order.number}, ${order.version}, ${order.status}, nullif(${order.customerId}, '')::uuid,
        ${order.cartId}, ${order.cartVersion}, ${order.totals.total.currency}, ${order.totals.total.minor},
        ${order.placedAt}, ${order.updatedAt}, ${encodeOrder(order)} from claimed
      returning id
    )
    insert into order_contact (order_id, email, address) select id, ${email}, ${address} from placed`);
  return stored === 1;
}

export interface KeyedOrder {
  readonly orderId: string;
  readonly requestHash: Buffer;
}

/** The order that was placed under a key. */
export async function findByKey(db: Queryable, scope: string, key: string): Promise<KeyedOrder | undefined> {
  const row = await db.maybe(sql<{ order_id: string; request_hash: Buffer }>`
    select order_id, request_hash from idempotency_key where scope = ${scope} and key = ${key}`);
  return row === undefined ? undefined : { orderId: row.order_id, requestHash: row.request_hash };
}

/** Forgets keys older than so many days, a chunk at a time; whether there are more. */
export async function forgetKeys(db: Queryable, days: number, chunk: number): Promise<boolean> {
  const deleted = await db.run(sql`
    delete from idempotency_key where (scope, key) in (
      select scope, key from idempotency_key where created_at < now() - make_interval(days => ${days})
      order by created_at limit ${chunk})`);
  return deleted === chunk;
}

/** Where a page of a customer's orders goes on. */
export interface OrderCursor {
  readonly placedAt: Date;
  readonly id: string;
}

/** A customer's orders, newest first, after a cursor. */
export async function listOrders(
  db: Queryable,
  customerId: string,
  after: OrderCursor | undefined,
  limit: number,
): Promise<Order[]> {
  const rows = await db.rows(sql<{ state: Buffer }>`
    select state from orders
    where customer_id = ${customerId}
      and (placed_at, id) < (coalesce(${after?.placedAt ?? null}::timestamptz, 'infinity'),
        coalesce(${after?.id ?? null}::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    order by placed_at desc, id desc limit ${limit}`);
  return rows.map(({ state }) => decodeOrder(state));
}

export interface Contact {
  readonly orderId: string;
  readonly number: string;
  readonly customerId: string;
  readonly email: string;
  /** stoa.common.v1.Address */
  readonly address: Buffer;
}

export async function loadContacts(db: Queryable, ids: readonly string[]): Promise<Contact[]> {
  const rows = await db.rows(sql<{
    order_id: string;
    number: string;
    customer_id: string | null;
    email: string;
    address: Buffer;
  }>`
    select c.order_id, o.number, o.customer_id, c.email, c.address
    from order_contact c join orders o on o.id = c.order_id where c.order_id = any(${ids}::uuid[])`);
  return rows.map((row) => ({
    orderId: row.order_id,
    number: row.number,
    customerId: row.customer_id ?? '',
    email: row.email,
    address: row.address,
  }));
}

/** The state of an order's checkout saga. */
export async function sagaState(db: Queryable, orderId: string): Promise<string | undefined> {
  const row = await db.maybe(sql<{ state: string }>`select state from saga where saga_id = ${orderId}`);
  return row?.state;
}
