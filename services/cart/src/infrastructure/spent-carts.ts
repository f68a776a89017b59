// Which carts are spent by which orders. Set-based, each cart by its key; rows are locked in id order, as in a claim.
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';

export interface SpentCart {
  readonly cartId: string;
  readonly cartVersion: bigint;
  readonly orderId: string;
}

/** Marks open carts as ordered whose version is the ordered one; a cart that was changed since stays open. */
export async function markOrdered(tx: Tx, spent: readonly SpentCart[]): Promise<void> {
  await tx.run(sql`
    update cart set order_id = spent.order_id, updated_at = now()
    from (
      select cart.id, placed.order_id
      from unnest(${spent.map((s) => s.cartId)}::uuid[], ${spent.map((s) => s.cartVersion)}::bigint[],
        ${spent.map((s) => s.orderId)}::uuid[]) as placed (cart_id, cart_version, order_id)
      join cart on cart.id = placed.cart_id and cart.version = placed.cart_version
        and cart.order_id is null and cart.merged_into is null
      order by cart.id
      for update of cart
    ) as spent
    where cart.id = spent.id`);
}

/** Opens carts again that are still spent by these orders, under a new version: the old one is used up. */
export async function reopenCarts(tx: Tx, ended: readonly SpentCart[]): Promise<void> {
  await tx.run(sql`
    update cart set order_id = null, version = cart.version + 1, updated_at = now()
    from (
      select cart.id
      from unnest(${ended.map((e) => e.cartId)}::uuid[], ${ended.map((e) => e.orderId)}::uuid[])
        as ended (cart_id, order_id)
      join cart on cart.id = ended.cart_id and cart.order_id = ended.order_id
      order by cart.id
      for update of cart
    ) as spent
    where cart.id = spent.id`);
}
