// `stoa audit --since`: the same checks over the newer orders alone. Order ids begin with the time (UUIDv7), so the
// orders since then, and whatever belongs to them in any database, are what has an order id from a lower bound on. A
// check knows nothing of it: common table expressions named like the tables stand in front of its queries.
import type { Queryable } from '@stoa/chassis/postgres/database';
import { type Statement, sql } from '@stoa/chassis/postgres/sql';

/** By database and table, the column that holds the order's id. Other tables are looked at whole. */
const ORDER_ID: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  orders: {
    orders: 'id',
    order_contact: 'order_id',
    idempotency_key: 'order_id',
    saga: 'saga_id',
    saga_transition: 'saga_id',
    manual_task: 'saga_id',
    outbox: 'aggregate_id',
  },
  inventory: { reservation: 'order_id', reservation_line: 'order_id', outbox: 'aggregate_id' },
  payments: { payment: 'order_id', ledger_entry: 'order_id', outbox: 'aggregate_id' },
  sandbox: { charge: 'order_ref', ledger: 'order_ref' },
  shipping: { shipment: 'order_id', outbox: 'aggregate_id' },
  notifications: { notification: 'order_id', mailbox: 'order_id' },
  cart: { cart: 'order_id' },
};

/** Rows without an order are looked at all the same: an open cart may be one that should be spent. */
const NULLABLE = new Set(['cart']);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The lowest UUIDv7 of a moment. */
function lowestId(at: Date): string {
  const time = Math.max(0, at.getTime()).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}

/**
 * The lower bound of order ids: the lowest that may have been made since then, or that an order has which was placed
 * since then; those differ when the clocks of orders and its database do.
 */
export async function lowestOrderSince(orders: Queryable, since: Date): Promise<string> {
  const { lowest } = await orders.one(sql<{ lowest: string | null }>`
    select min(id::text) as lowest from orders where placed_at >= ${since}`);
  const made = lowestId(since);
  return lowest === null || made < lowest ? made : lowest;
}

/** The same database, in which tables hold only what belongs to orders with an id from `lowest` on. For reading. */
export function scoped(db: Queryable, database: string, lowest: string): Queryable {
  // Part of the text, because a cursor takes no parameters.
  if (!UUID.test(lowest)) throw new Error(`"${lowest}" is not an order id`);
  const tables = Object.entries(ORDER_ID[database] ?? {});
  if (tables.length === 0) return db;
  const shadows = tables.map(([table, column]) => {
    const others = NULLABLE.has(table) ? ` or ${column} is null` : '';
    return `${table} as not materialized (select * from public.${table} where ${column} >= '${lowest}'${others})`;
  });
  const narrow = <Row>(statement: Statement<Row>) => ({
    ...statement,
    name: '',
    text: withShadows(statement, shadows),
  });
  return {
    rows: (statement) => db.rows(narrow(statement)),
    one: (statement) => db.one(narrow(statement)),
    maybe: (statement) => db.maybe(narrow(statement)),
    run: (statement) => db.run(narrow(statement)),
  };
}

/** In front of the query, which a cursor's declaration may precede; before its own table expressions, if it has any. */
function withShadows({ text }: Statement<unknown>, shadows: readonly string[]): string {
  const match = /^(\s*declare \w+ no scroll cursor for)?\s*(with|select)\b/.exec(text);
  if (match === null) return text;
  const [all, declaration = '', word = ''] = match;
  const rest = text.slice(all.length);
  const separator = word === 'with' ? ', ' : ' select ';
  return `${declaration} with ${shadows.join(', ')}${separator}${rest}`;
}
