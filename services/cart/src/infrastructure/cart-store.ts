// Carts in PostgreSQL: one statement for each operation, and one for all requests that come at the same time.
// A change is written only onto the version it was made from, and only while the cart is open; whoever loses that race
// decides again on the locked row (api/change-cart.ts). So no parallel change is lost, and an ordered cart never moves.
import { gather } from '@stoa/chassis/gather';
import type { Queryable, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Clock } from '@stoa/chassis/runtime';
import type { Cart } from '../domain/cart.ts';
import { addressJson, type CartRow, linesJson, toCart } from './cart-row.ts';

/** A cart that is not stored yet. */
export type NewCart = Omit<Cart, 'version' | 'updatedAt'>;

/** Carts for handlers: what arrives while a statement is under way goes together in the next one. */
export interface CartStore {
  insert(cart: NewCart): Promise<Cart>;
  /** The cart, or undefined when there is none, or when it was merged into another one. */
  read(id: string): Promise<Cart | undefined>;
  /** Writes a change made from `cart.version`; undefined when that version is gone or the cart is no longer open. */
  replace(cart: Cart): Promise<Cart | undefined>;
}

export function createCartStore(db: Queryable, clock: Clock): CartStore {
  return {
    insert: gather({ clock, run: (carts: readonly NewCart[]) => insertCarts(db, carts) }),
    read: gather({
      clock,
      async run(ids: readonly string[]) {
        const found = await readCarts(db, ids);
        // As PostgreSQL writes them: a client may have written its id in capitals.
        return ids.map((id) => found.get(id.toLowerCase()));
      },
    }),
    replace: gather({
      clock,
      keyOf: ({ id }: Cart) => id,
      async run(carts: readonly Cart[]) {
        const written = await replaceCarts(db, carts);
        return carts.map(({ id }) => written.get(id));
      },
    }),
  };
}

/** What the database decides about a written cart. */
type Written = Pick<CartRow, 'id' | 'version' | 'updated_at'>;

async function insertCarts(db: Queryable, carts: readonly NewCart[]): Promise<Cart[]> {
  const rows = await db.rows(sql<Written>`
    insert into cart (id, customer_id, currency, lines, email, address, shipping_method_id)
    select * from unnest(
      ${carts.map((c) => c.id)}::uuid[], ${carts.map((c) => c.customerId ?? null)}::uuid[],
      ${carts.map((c) => c.currency)}::text[], ${carts.map((c) => linesJson(c.lines))}::jsonb[],
      ${carts.map((c) => c.email ?? null)}::text[], ${carts.map((c) => addressJson(c.address))}::jsonb[],
      ${carts.map((c) => c.shippingMethodId ?? null)}::text[])
    returning id, version, updated_at`);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return carts.map((cart) => {
    const { version, updated_at } = byId.get(cart.id) as Written;
    return { ...cart, version, updatedAt: updated_at };
  });
}

async function readCarts(db: Queryable, ids: readonly string[]): Promise<Map<string, Cart>> {
  const rows = await db.rows(sql<CartRow>`
    select id, version, customer_id, currency, lines, additions, email, address, shipping_method_id, order_id,
      updated_at
    from cart where id = any(${ids}::uuid[]) and merged_into is null`);
  return new Map(rows.map((row) => [row.id, toCart(row)]));
}

/** As `CartStore.read`, and nobody else changes it until the transaction ends. */
export async function lockCart(tx: Tx, id: string): Promise<Cart | undefined> {
  const row = await tx.maybe(sql<CartRow>`
    select id, version, customer_id, currency, lines, additions, email, address, shipping_method_id, order_id,
      updated_at
    from cart where id = ${id} and merged_into is null
    for update`);
  return row && toCart(row);
}

/** As `CartStore.replace`, for a cart that this transaction has locked while it was open. */
export async function replaceLocked(tx: Tx, cart: Cart): Promise<Cart> {
  const written = (await replaceCarts(tx, [cart])).get(cart.id);
  if (written === undefined) throw new Error(`cart ${cart.id} changed while it was locked`);
  return written;
}

/** The carts that were written, each id at most once. Rows are locked in id order, as orders' events lock them. */
async function replaceCarts(db: Queryable, carts: readonly Cart[]): Promise<Map<string, Cart>> {
  const rows = await db.rows(sql<Written>`
    update cart set version = cart.version + 1, updated_at = now(), customer_id = w.customer_id, lines = w.lines,
      additions = w.additions, email = w.email, address = w.address, shipping_method_id = w.shipping_method_id,
      content_version = case when cart.lines = w.lines then coalesce(cart.content_version, cart.version) end
    from (
      select wish.*
      from unnest(
        ${carts.map((c) => c.id)}::uuid[], ${carts.map((c) => c.version)}::bigint[],
        ${carts.map((c) => c.customerId ?? null)}::uuid[], ${carts.map((c) => linesJson(c.lines))}::jsonb[],
        ${carts.map((c) => JSON.stringify(c.additions))}::jsonb[],
        ${carts.map((c) => c.email ?? null)}::text[], ${carts.map((c) => addressJson(c.address))}::jsonb[],
        ${carts.map((c) => c.shippingMethodId ?? null)}::text[])
        as wish (id, version, customer_id, lines, additions, email, address, shipping_method_id)
      join cart on cart.id = wish.id and cart.version = wish.version
        and cart.order_id is null and cart.merged_into is null
      order by cart.id
      for update of cart
    ) as w
    where cart.id = w.id
    returning cart.id, cart.version, cart.updated_at`);
  const byId = new Map(carts.map((cart) => [cart.id, cart]));
  return new Map(
    rows.map(({ id, version, updated_at }) => [id, { ...(byId.get(id) as Cart), version, updatedAt: updated_at }]),
  );
}
