// Carts in PostgreSQL: one statement for each operation.
// A change is written only onto the version it was made from, and only while the cart is open; whoever loses that race
// decides again on the locked row (api/change-cart.ts). So no parallel change is lost, and an ordered cart never moves.
import type { Database, Queryable, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Cart } from '../domain/cart.ts';
import { addressJson, type CartRow, linesJson, toCart } from './cart-row.ts';

/** What the database decides about a written cart. */
type Written = Pick<CartRow, 'version' | 'updated_at'>;

const after = (cart: Cart, { version, updated_at }: Written): Cart => ({ ...cart, version, updatedAt: updated_at });

export async function insertCart(db: Database, cart: Omit<Cart, 'version' | 'updatedAt'>): Promise<Cart> {
  const written = await db.one(sql<Written>`
    insert into cart (id, customer_id, currency, lines, email, address, shipping_method_id)
    values (${cart.id}, ${cart.customerId ?? null}, ${cart.currency}, ${linesJson(cart.lines)}::jsonb,
      ${cart.email ?? null}, ${addressJson(cart.address)}::jsonb, ${cart.shippingMethodId ?? null})
    returning version, updated_at`);
  return { ...cart, version: written.version, updatedAt: written.updated_at };
}

/** The cart, or undefined when there is none, or when it was merged into another one. */
export async function readCart(db: Database, id: string): Promise<Cart | undefined> {
  const row = await db.maybe(sql<CartRow>`
    select id, version, customer_id, currency, lines, email, address, shipping_method_id, order_id, updated_at
    from cart where id = ${id} and merged_into is null`);
  return row && toCart(row);
}

/** As `readCart`, and nobody else changes it until the transaction ends. */
export async function lockCart(tx: Tx, id: string): Promise<Cart | undefined> {
  const row = await tx.maybe(sql<CartRow>`
    select id, version, customer_id, currency, lines, email, address, shipping_method_id, order_id, updated_at
    from cart where id = ${id} and merged_into is null
    for update`);
  return row && toCart(row);
}

/** Writes a change made from `cart.version`; undefined when that version is gone or the cart is no longer open. */
export async function replaceCart(db: Queryable, cart: Cart): Promise<Cart | undefined> {
  const written = await db.maybe(sql<Written>`
    update cart set version = version + 1, updated_at = now(), customer_id = ${cart.customerId ?? null},
      lines = ${linesJson(cart.lines)}::jsonb, email = ${cart.email ?? null},
      address = ${addressJson(cart.address)}::jsonb, shipping_method_id = ${cart.shippingMethodId ?? null}
    where id = ${cart.id} and version = ${cart.version} and order_id is null and merged_into is null
    returning version, updated_at`);
  return written && after(cart, written);
}
