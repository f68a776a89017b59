// Carts that guests left behind, and signposts of merged ones. Ordered carts and customers' carts stay.
import type { Database } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';

/** Days without a change after which a guest's open cart is given up. */
const ABANDONED_DAYS = 30;

/** Deletes at most `limit` of them, passing over those in use; returns how many. */
export function deleteAbandoned(db: Database, limit: number): Promise<number> {
  return db.run(sql`
    delete from cart where id in (
      select id from cart
      where customer_id is null and order_id is null and updated_at < now() - make_interval(days => ${ABANDONED_DAYS})
      order by updated_at limit ${limit}
      for update skip locked)`);
}
