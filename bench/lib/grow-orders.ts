// Makes many orders out of few, set-based: every row that finished orders left in any database is copied, with new ids
// that are the same in all of them. Numbers stay dense and watermarks move along, so the copies look like orders that
// were placed and handled long ago. Only PostgreSQL runs meanwhile: a shop would take the copies for news.
import pg from 'pg';
import { startPostgres } from '../../cli/src/infrastructure/postgres.ts';

type Connect = (service: string) => Promise<pg.Client>;

/**
 * By service, parents first. Left out, to make a million in minutes: mails, the sandbox's books, and the outboxes of
 * inventory, payments and shipping, none of which an order looks at again.
 */
const TABLES: Readonly<Record<string, readonly string[]>> = {
  orders: ['orders', 'order_contact', 'idempotency_key', 'saga', 'saga_transition', 'outbox'],
  cart: ['cart'],
  inventory: ['reservation', 'reservation_line'],
  payments: ['payment', 'payment_attempt', 'ledger_entry'],
  shipping: ['shipment'],
};

const FUNCTIONS = `
  create or replace function bench_uuid(id uuid, copy int) returns uuid language sql immutable parallel safe
    return (lpad(to_hex(copy), 8, '0') || substr(md5(id::text || copy), 9))::uuid;
  create or replace function bench_text(t text, copy int) returns text language sql immutable parallel safe
    return case when t ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
      then bench_uuid(left(t, 36)::uuid, copy)::text || substr(t, 37) else t || '~' || copy end`;

interface Column {
  readonly name: string;
  readonly type: string;
  readonly identity: boolean;
  /** Part of a unique key, or an id written as text. */
  readonly unique: boolean;
}

async function columnsOf(client: pg.Client, table: string): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `select a.attname as name, t.typname as type, a.attidentity <> '' as identity,
       a.attname in ('aggregate_id', 'order_ref') or exists (
         select from pg_index i where i.indrelid = a.attrelid and i.indisunique and a.attnum = any(i.indkey)) as unique
     from pg_attribute a join pg_type t on t.oid = a.atttypid
     where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [table],
  );
  return rows;
}

/** Columns that are unique together with an id and must stay what they are. */
const KEPT = new Set(['scope', 'operation', 'account', 'topic', 'template', 'sku', 'trigger_id', 'kind']);

function copied(table: string, { name, type, unique }: Column): string {
  if (name === 'pub_seq') return 'o.pub_seq + copy * h.seq';
  if (type === 'uuid') return `bench_uuid(o.${name}, copy + $2)`;
  if (type === 'text' && unique && !(KEPT.has(name) && table !== 'stock')) return `bench_text(o.${name}, copy + $2)`;
  return `o.${name}`;
}

async function copyTable(client: pg.Client, table: string, { copies, salt }: Copies): Promise<void> {
  const columns = (await columnsOf(client, table)).filter(({ identity }) => !identity);
  const names = columns.map(({ name }) => name).join(', ');
  const heads = table === 'outbox' ? 'join bench_head h using (topic)' : '';
  const order = table === 'outbox' ? 'order by copy, o.id' : 'order by copy';
  await client.query(
    `insert into ${table} (${names}) select ${columns.map((column) => copied(table, column)).join(', ')}
     from bench_${table} o ${heads} cross join generate_series(1, $1::int) as copy
     where $2::int is not null ${order}`,
    [copies, salt],
  );
}

interface Copies {
  readonly copies: number;
  /** Keeps the ids of this growth apart from those of an earlier one. */
  readonly salt: number;
}

/** Brings the home's stored orders to about `wanted`; returns how many there are. `salt` differs for each growth. */
export async function growOrders(home: string, wanted: number, salt: number): Promise<number> {
  const server = await startPostgres({ home });
  try {
    const connect = async (service: string) => {
      const url = new URL(server.url);
      url.pathname = `/stoa_${service}`;
      const client = new pg.Client({ connectionString: url.href });
      // Stopping the server ends what a failure has left open: the failure is the news.
      client.on('error', () => {});
      await client.connect();
      return client;
    };
    const orders = await connect('orders');
    const count = async () => Number((await orders.query('select count(*) from orders')).rows[0]?.count);
    const copies = Math.floor(wanted / (await count())) - 1;
    if (copies > 0) {
      await Promise.all(
        Object.entries(TABLES).map(async ([service, tables]) =>
          copyDatabase(await connect(service), tables, { copies, salt }),
        ),
      );
      await moveWatermarks(connect);
      await comparedAlready(await connect('payments'));
    }
    const stored = await count();
    await orders.end();
    return stored;
  } finally {
    await server.stop();
  }
}

async function copyDatabase(client: pg.Client, tables: readonly string[], copies: Copies): Promise<void> {
  await client.query(FUNCTIONS);
  await client.query('set session_replication_role = replica');
  for (const table of tables) {
    await client.query(`create unlogged table bench_${table} as select * from ${table}`);
    if (table === 'outbox') await client.query('create unlogged table bench_head as select * from outbox_head');
  }
  for (const table of tables) await copyTable(client, table, copies);
  if (tables.includes('outbox')) await moveHeads(client, copies.copies);
  for (const table of tables) await client.query(`drop table bench_${table}`);
  if (tables.includes('outbox')) await client.query('drop table bench_head');
  await client.query('vacuum analyze');
  await client.end();
}

async function moveHeads(client: pg.Client, copies: number): Promise<void> {
  await client.query(
    `update outbox_head o set seq = o.seq + h.seq * $1, published = o.seq + h.seq * $1
     from bench_head h where h.topic = o.topic`,
    [copies],
  );
  await client.query('update consumer_progress p set seq = o.seq from outbox_head o where o.topic = p.topic');
}

/** Every consumer has applied the copies: its watermark is the head of its topic, wherever that is. */
async function moveWatermarks(connect: Connect): Promise<void> {
  const last: { topic: string; seq: string; event_id: string }[] = [];
  for (const producer of ['orders', 'inventory', 'payments', 'shipping']) {
    const client = await connect(producer);
    const { rows } = await client.query<{ topic: string; seq: string; event_id: string }>(
      `select h.topic, h.seq::text, o.event_id
       from outbox_head h join outbox o on o.topic = h.topic and o.pub_seq = h.seq`,
    );
    last.push(...rows);
    await client.end();
  }
  for (const service of ['orders', 'cart', 'catalog', 'inventory', 'payments', 'shipping', 'notifications']) {
    const client = await connect(service);
    for (const { topic, seq, event_id } of last) {
      const values = [topic, seq, event_id];
      await client.query('update consumer_watermark set seq = $2, last_event_id = $3 where topic = $1', values);
    }
    if (service === 'inventory') await client.query(RESERVE_COPIES);
    await client.end();
  }
}

/** The provider knows nothing of the copies: their payments count as compared with its books long ago. */
async function comparedAlready(payments: pg.Client): Promise<void> {
  await payments.query(
    `update reconciliation_progress
     set compared_until = now(), ledger_id = (select coalesce(max(id), 0) from ledger_entry)`,
  );
  await payments.end();
}

const RESERVE_COPIES = `
  update stock s set reserved = l.units from (
    select sku, sum(quantity) as units from reservation_line join reservation using (order_id)
    where state in ('HELD', 'COMMITTED') group by sku) l
  where l.sku = s.sku`;
