// Business truth of a rollout, from the databases: what became of the orders that the canary had a part in and of the
// others, what the audit's rule for prices (I18) says of every order placed since it began, and what was parked.
import type { Database, Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { type OrderRow, type PaymentRow, type Price, priceProblem } from '../audit/invariants/price-integrity.ts';

export type Databases = Readonly<Record<string, Database>>;

/** Where things stood when the rollout began. */
export interface Beginning {
  readonly at: Date;
  /** Highest outbox id of the service. */
  readonly outboxId: bigint;
}

export interface WrongOrder {
  readonly id: string;
  readonly number: string;
  readonly problem: string;
  /** Whether the canary wrote about it; another version may have taken a wrong price from it. */
  readonly byCanary: boolean;
}

export interface Outcomes {
  readonly decided: number;
  readonly confirmed: number;
  readonly compensated: number;
}

export interface Business {
  readonly canary: Outcomes;
  readonly stable: Outcomes;
  readonly wrong: readonly WrongOrder[];
  /** Messages that the canary wrote and another service parked. */
  readonly parkedOfCanary: number;
  /** Messages of this service's consumers parked since it began. */
  readonly parkedHere: number;
}

/** A rollout that goes on for very long looks at the latest ones. */
const ORDERS_MAX = 20_000;
const NOTHING: Outcomes = { decided: 0, confirmed: 0, compensated: 0 };

export async function beginningOf(db: Queryable): Promise<Beginning> {
  const row = await db.one(sql<{ at: Date; id: bigint | null }>`
    select now() as at, (select max(id) from outbox) as id`);
  return { at: row.at, outboxId: row.id ?? 0n };
}

interface PlacedOrder extends OrderRow {
  readonly number: string;
  readonly status: string;
  readonly turned: boolean | null;
}

/** Looks at everything since the beginning. */
export async function lookAtBusiness(
  databases: Databases,
  service: string,
  version: string,
  since: Beginning,
): Promise<Business> {
  const own = at(databases, service);
  const written = await own.rows(sql<{ event_id: string; aggregate_id: string }>`
    select event_id, aggregate_id from outbox
    where id > ${since.outboxId} and written_by = ${`stoa-${service} ${version}`}
    order by id desc limit ${10 * ORDERS_MAX}`);
  const touched = new Set(written.map((row) => row.aggregate_id));
  const orders = await at(databases, 'orders').rows(sql<PlacedOrder>`
    select o.id as key, o.number, o.status, o.total_minor as total, o.currency, o.state, s.data,
      s.reason <> '' as turned
    from orders o left join saga s on s.saga_id = o.id
    where o.placed_at >= ${since.at} order by o.placed_at desc limit ${ORDERS_MAX}`);
  const parked = await parkedSince(databases, since);
  const sent = new Set(written.map((row) => row.event_id));
  return {
    canary: outcomesOf(orders.filter(({ key }) => touched.has(key))),
    stable: outcomesOf(orders.filter(({ key }) => !touched.has(key))),
    wrong: await wrongOrders(databases, orders, touched),
    parkedOfCanary: parked.filter(({ id, service: where }) => where !== service && sent.has(id)).length,
    parkedHere: parked.filter(({ service: where }) => where === service).length,
  };
}

function outcomesOf(orders: readonly PlacedOrder[]): Outcomes {
  return orders.reduce(
    (sum, { status, turned }) => ({
      decided: sum.decided + (status === 'PENDING' ? 0 : 1),
      confirmed: sum.confirmed + (status === 'CONFIRMED' ? 1 : 0),
      compensated: sum.compensated + (status !== 'PENDING' && turned === true ? 1 : 0),
    }),
    NOTHING,
  );
}

async function wrongOrders(databases: Databases, orders: readonly PlacedOrder[], touched: ReadonlySet<string>) {
  const ids = orders.map(({ key }) => key);
  const payments = await at(databases, 'payments').rows(sql<PaymentRow>`
    select order_id as key, amount_minor as amount, currency from payment
    where currency <> '' and order_id = any(${ids}::uuid[])`);
  const prices = await at(databases, 'catalog').rows(sql<Price>`
    select sku, price_version as version, price_minor as minor, currency from variants`);
  const paid = new Map(payments.map((payment) => [payment.key, payment]));
  const priced = new Map(prices.map((price) => [price.sku, price]));
  return orders.flatMap((order): WrongOrder[] => {
    const { text } = priceProblem(order, paid.get(order.key), priced);
    if (text === undefined) return [];
    return [{ id: order.key, number: order.number, problem: text, byCanary: touched.has(order.key) }];
  });
}

async function parkedSince(databases: Databases, since: Beginning) {
  const found = await Promise.all(
    Object.entries(databases).map(async ([service, db]) => {
      const rows = await db.rows(sql<{ event_id: string }>`
        select event_id from parked_event where parked_at >= ${since.at}`);
      return rows.map((row) => ({ id: row.event_id, service }));
    }),
  );
  return found.flat();
}

function at(databases: Databases, name: string): Database {
  const database = databases[name];
  if (database === undefined) throw new Error(`there is no database ${name}`);
  return database;
}
