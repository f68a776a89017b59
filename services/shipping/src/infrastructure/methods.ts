// Shipping methods in SQL.
import type { Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Method } from '../domain/method.ts';

interface MethodRow {
  id: string;
  name: string;
  description: string;
  min_days: number;
  max_days: number;
  countries: string[];
  prices: { currency: string; minor: number }[];
}

/** The methods that are offered, in the order in which they are listed. */
export async function readOfferedMethods(db: Queryable): Promise<Method[]> {
  const rows = await db.rows(sql<MethodRow>`
    select m.id, m.name, m.description, m.min_days, m.max_days, m.countries, coalesce((
      select jsonb_agg(jsonb_build_object('currency', p.currency, 'minor', p.minor))
      from shipping_price p where p.method_id = m.id), '[]') as prices
    from shipping_method m where m.offered order by m.position, m.id`);
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    minDays: row.min_days,
    maxDays: row.max_days,
    countries: row.countries,
    prices: new Map(row.prices.map(({ currency, minor }) => [currency, BigInt(minor)])),
  }));
}

/** Which of the ids are methods, offered or withdrawn: what a customer has paid for is shipped. */
export async function knownMethods(db: Queryable, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db.rows(sql<{ id: string }>`select id from shipping_method where id = any(${ids}::text[])`);
  return new Set(rows.map((row) => row.id));
}
