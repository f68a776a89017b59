// The two rows of a claim: the guest's cart and the customer's own open one. And what becomes of both when an order that
// was placed before the claim is heard of after it.
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Cart } from '../domain/cart.ts';
import { type CartRow, linesJson, toCart } from './cart-row.ts';

export interface Claimed {
  /** The cart asked for; undefined when there is none, or when it was merged already. */
  readonly guests: Cart | undefined;
  /** Where the cart asked for was merged into. */
  readonly mergedInto: string | undefined;
  /** The customer's open cart in the same currency that was changed last. */
  readonly customers: Cart | undefined;
}

/** Locks both rows, in id order: two claims, or a claim and a batch of orders, cannot wait for each other. */
export async function lockClaimed(tx: Tx, cartId: string, userId: string): Promise<Claimed> {
  const rows = await tx.rows(sql<CartRow & { merged_into: string | null }>`
    select id, version, customer_id, currency, lines, additions, email, address, shipping_method_id, order_id, updated_at,
      merged_into
    from cart
    where id = ${cartId} or id = (
      select own.id from cart own join cart asked on asked.id = ${cartId} and asked.currency = own.currency
      where own.customer_id = ${userId} and own.order_id is null and own.id <> ${cartId}
      order by own.updated_at desc limit 1)
    order by id
    for update`);
  const asked = rows.find((row) => row.id === cartId);
  // The row may have changed between being found and being locked: it is judged as it is now.
  const own = rows.find((row) => row.id !== cartId && row.customer_id === userId && row.order_id === null);
  return {
    guests: asked !== undefined && asked.merged_into === null ? toCart(asked) : undefined,
    mergedInto: asked?.merged_into ?? undefined,
    customers: own && toCart(own),
  };
}

/**
 * Leaves of a locked guest's cart a signpost and the lines, by which an order may still be told to have bought them. The
 * abandoned-carts job removes it in time.
 */
export async function dissolveCart(tx: Tx, id: string, mergedInto: string): Promise<void> {
  await tx.run(sql`
    update cart set merged_into = ${mergedInto}, version = version + 1, updated_at = now(),
      content_version = coalesce(content_version, version), email = null, address = null, shipping_method_id = null
    where id = ${id}`);
}

/** Locks those of the carts that are open, in id order. */
export async function lockOpen(tx: Tx, ids: readonly string[]): Promise<Map<string, Cart>> {
  const rows = await tx.rows(sql<CartRow>`
    select id, version, customer_id, currency, lines, additions, email, address, shipping_method_id, order_id, updated_at
    from cart where id = any(${ids}::uuid[]) and order_id is null and merged_into is null
    order by id
    for update`);
  return new Map(rows.map((row) => [row.id, toCart(row)]));
}

/**
 * Writes what is left in locked open carts after lines were taken out that were bought elsewhere. An order that bought
 * more than what is left has bought what is left: `content_version` stays.
 */
export async function writeRest(tx: Tx, carts: readonly Cart[]): Promise<void> {
  await tx.run(sql`
    update cart set lines = rest.lines, version = cart.version + 1, updated_at = now(),
      content_version = coalesce(cart.content_version, cart.version)
    from unnest(${carts.map((c) => c.id)}::uuid[], ${carts.map((c) => linesJson(c.lines))}::jsonb[]) as rest (id, lines)
    where cart.id = rest.id`);
}

/** Takes the lines of merged carts away for good. */
export async function forgetLines(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.run(sql`update cart set lines = '[]' where id = any(${ids}::uuid[])`);
}
