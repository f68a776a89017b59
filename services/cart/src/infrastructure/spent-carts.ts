// Which carts are spent by which orders. Set-based, each cart by its key; rows are locked in id order, as in a claim.
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Line } from '../domain/cart.ts';
import { type StoredLine, toLines } from './cart-row.ts';

export interface SpentCart {
  readonly cartId: string;
  readonly cartVersion: bigint;
  readonly orderId: string;
}

/** What is left of a cart that was merged: its lines are in the other one. */
export interface MergedCart {
  readonly id: string;
  readonly mergedInto: string;
  readonly lines: readonly Line[];
}

interface MergedRow {
  readonly id: string;
  readonly merged_into: string;
  readonly lines: readonly StoredLine[];
}

const toMerged = ({ id, merged_into, lines }: MergedRow): MergedCart => ({
  id,
  mergedInto: merged_into,
  lines: toLines(lines),
});

/**
 * Marks carts as ordered that hold what was ordered; a cart with other lines since then stays open. Of two orders that
 * bought the same the one of the higher version has the cart. Answers those among the carts that were open and are merged.
 */
export async function markOrdered(tx: Tx, spent: readonly SpentCart[]): Promise<MergedCart[]> {
  const rows = await tx.rows(sql<MergedRow>`
    with marked as (
      update cart set order_id = spent.order_id, content_version = spent.cart_version, updated_at = now()
      from (
        select cart.id, placed.order_id, placed.cart_version, cart.order_id is null as was_open
        from (
          select distinct on (placed.cart_id) placed.cart_id, placed.cart_version, placed.order_id
          from unnest(${spent.map((s) => s.cartId)}::uuid[], ${spent.map((s) => s.cartVersion)}::bigint[],
            ${spent.map((s) => s.orderId)}::uuid[]) as placed (cart_id, cart_version, order_id)
          join cart on cart.id = placed.cart_id and placed.cart_version
            between coalesce(cart.content_version, cart.version) + (cart.order_id is not null)::int and cart.version
          order by placed.cart_id, placed.cart_version desc
        ) as placed
        join cart on cart.id = placed.cart_id and placed.cart_version
          between coalesce(cart.content_version, cart.version) + (cart.order_id is not null)::int and cart.version
        order by cart.id
        for update of cart
      ) as spent
      where cart.id = spent.id
      returning cart.id, cart.merged_into, cart.lines, spent.was_open
    )
    select id, merged_into, lines from marked where merged_into is not null and was_open order by id`);
  return rows.map(toMerged);
}

/**
 * Opens carts again that are still spent by these orders, under a new version: the old one is used up. Answers those
 * among them that are merged, with the lines that they had until now.
 */
export async function reopenCarts(tx: Tx, ended: readonly SpentCart[]): Promise<MergedCart[]> {
  const rows = await tx.rows(sql<MergedRow>`
    with reopened as (
      update cart set order_id = null, version = cart.version + 1, content_version = spent.cart_version + 1,
        lines = case when cart.merged_into is null then cart.lines else '[]' end, updated_at = now()
      from (
        select cart.id, ended.cart_version, cart.lines
        from unnest(${ended.map((e) => e.cartId)}::uuid[], ${ended.map((e) => e.cartVersion)}::bigint[],
          ${ended.map((e) => e.orderId)}::uuid[]) as ended (cart_id, cart_version, order_id)
        join cart on cart.id = ended.cart_id and cart.order_id = ended.order_id
        order by cart.id
        for update of cart
      ) as spent
      where cart.id = spent.id
      returning cart.id, cart.merged_into, spent.lines
    )
    select id, merged_into, lines from reopened where merged_into is not null order by id`);
  return rows.map(toMerged);
}
