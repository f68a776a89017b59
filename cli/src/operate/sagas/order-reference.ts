import { sql } from '@stoa/chassis/postgres/sql';
import type { ShopData } from '../shop-data.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The order's id, from its id or from the number that a customer reads out; throws when there is none. */
export async function orderIdOf(data: ShopData, reference: string): Promise<string> {
  const isId = UUID.test(reference);
  const id = isId ? reference.toLowerCase() : null;
  const row = await data.at('orders').maybe(sql<{ id: string }>`
    select id from orders where id = ${id}::uuid or number = ${isId ? '' : reference.toUpperCase()}`);
  if (row === undefined) throw new Error(`there is no order "${reference}"`);
  return row.id;
}
