// SQL of the orders themselves: the state row, which is also the head of the event stream.
import type { Queryable, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Order, OrderStatus } from '../domain/order.ts';
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
 * Stores orders under their idempotency keys, with their contacts, in one statement; returns the ids of those whose key
 * was free. Violates `orders_cart_id_cart_version_key` when a cart was spent by another key.
 */
export async function insertOrders(tx: Tx, fresh: readonly NewOrder[]): Promise<Set<string>> {
  const of = <T>(read: (order: Order) => T) => fresh.map(({ order }) => read(order));
  const rows = await tx.rows(sql<{ order_id: string }>`
    with new as (
      select * from unnest(
        ${of((o) => o.id)}::uuid[], ${fresh.map((f) => f.keyScope)}::text[], ${fresh.map((f) => f.key)}::text[],
        ${fresh.map((f) => f.requestHash)}::bytea[], ${of((o) => o.number)}::text[], ${of((o) => o.version)}::bigint[],
        ${of((o) => o.status)}::text[], ${of((o) => o.customerId)}::text[], ${of((o) => o.cartId)}::uuid[],
        ${of((o) => o.cartVersion)}::bigint[], ${of((o) => o.totals.total.currency)}::text[],
        ${of((o) => o.totals.total.minor)}::bigint[], ${of((o) => o.placedAt)}::timestamptz[],
        ${of(encodeOrder)}::bytea[], ${fresh.map((f) => f.email)}::text[], ${fresh.map((f) => f.address)}::bytea[])
        as n (id, scope, key, request_hash, number, version, status, customer_id, cart_id, cart_version, currency,
          total_minor, placed_at, state, email, address)
    ), claimed as (
      insert into idempotency_key (scope, key, request_hash, order_id)
      select scope, key, request_hash, id from new order by scope, key on conflict do nothing
      returning order_id
    ), placed as (
      insert into orders (id, number, version, status, customer_id, cart_id, cart_version, currency, total_minor,
        placed_at, updated_at, state)
      select id, number, version, status, nullif(customer_id, '')::uuid, cart_id, cart_version, currency, total_minor,
        placed_at, placed_at, state
      from new join claimed on claimed.order_id = new.id
      returning id
    )
    insert into order_contact (order_id, email, address) select id, email, address from new join placed using (id)
    returning order_id`);
  return new Set(rows.map((row) => row.order_id));
}

/** An idempotency key; keys of different scopes have nothing to do with each other. */
export interface Key {
  readonly scope: string;
  readonly key: string;
}

export interface KeyedOrder {
  readonly order: Order;
  readonly requestHash: Buffer;
}

/** The orders that were placed under the keys, undefined where there is none; in the keys' order. */
export async function findByKeys(db: Queryable, keys: readonly Key[]): Promise<(KeyedOrder | undefined)[]> {
  const rows = await db.rows(sql<{ position: bigint; request_hash: Buffer; state: Buffer }>`
    select wanted.position, k.request_hash, o.state
    from unnest(${keys.map((k) => k.scope)}::text[], ${keys.map((k) => k.key)}::text[])
      with ordinality as wanted (scope, key, position)
    join idempotency_key k on k.scope = wanted.scope and k.key = wanted.key
    join orders o on o.id = k.order_id`);
  const found: (KeyedOrder | undefined)[] = keys.map(() => undefined);
  for (const { position, request_hash, state } of rows) {
    found[Number(position) - 1] = { order: decodeOrder(state), requestHash: request_hash };
  }
  return found;
}

/** The status of the order of a cart's highest version so far. */
export async function newestStatusOf(db: Queryable, cartId: string): Promise<OrderStatus | undefined> {
  const row = await db.maybe(sql<{ status: OrderStatus }>`
    select status from orders where cart_id = ${cartId} order by cart_version desc limit 1`);
  return row?.status;
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

export interface FollowedOrder {
  readonly order: Order;
  /** Undefined when it has no saga any more. */
  readonly sagaState: string | undefined;
}

/** Orders with the states of their sagas, in the ids' order. */
export async function loadFollowed(db: Queryable, ids: readonly string[]): Promise<(FollowedOrder | undefined)[]> {
  const rows = await db.rows(sql<{ id: string; state: Buffer; saga_state: string | null }>`
    select o.id, o.state, s.state as saga_state
    from orders o left join saga s on s.saga_id = o.id where o.id = any(${ids}::uuid[])`);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => {
    const row = byId.get(id);
    return row && { order: decodeOrder(row.state), sagaState: row.saga_state ?? undefined };
  });
}
