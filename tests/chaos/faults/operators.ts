// What goes wrong with stored data, and what an operator does about it while the shop is open.
import pg from 'pg';
import type { Arena } from '../arena.ts';
import { anySku, buy, cancel, decided, withShop } from '../buyers.ts';
import type { Fault } from '../fault.ts';
import { seconds } from '../tools.ts';

async function withDatabase<T>(url: string | undefined, body: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url as string });
  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.end();
  }
}

/** Only decides when a run is given up. */
const TAKEN_WITHIN_MS = 60_000;

/** Cancels an order, then sends the commands of its checkout again as if they had been late: each after its undo. */
async function lateCommands(arena: Arena): Promise<void> {
  const id = await withShop(arena, async (shop) => {
    const sku = await anySku(shop);
    for (;;) {
      const ticket = await buy(shop, sku, 'tok_approve');
      if (!(await cancel(shop, ticket))) continue;
      await decided(shop, ticket);
      return ticket.id;
    }
  });
  await withDatabase(arena.databases.orders, async (orders) => {
    const { rows } = await orders.query<{ event_id: string }>(
      `insert into outbox (event_id, topic, type, aggregate_id, payload, traceparent)
       select gen_random_uuid(), topic, type, aggregate_id, payload, '' from outbox
       where aggregate_id = $1 and type ~ '(ReserveStock|AuthorizePayment|CommitStock|CapturePayment)$' order by id
       returning event_id`,
      [id],
    );
    if (rows.length === 0) throw new Error('the cancelled order had sent no command');
    const ids = rows.map(({ event_id }) => event_id);
    const passed = `select count(*)::int as left from outbox o join outbox_head h using (topic)
      where o.event_id = any($1::uuid[]) and (o.pub_seq is null or o.pub_seq > h.published)`;
    for (const until = Date.now() + TAKEN_WITHIN_MS; Date.now() < until; await seconds(0.1)) {
      if ((await orders.query<{ left: number }>(passed, [ids])).rows[0]?.left === 0) return;
    }
    throw new Error('the late commands were not sent');
  });
}

/** Loses half of what the catalogue knows of the stock, and rebuilds it from events while orders come in. */
async function lostReadModel(arena: Arena): Promise<void> {
  await withDatabase(arena.databases.catalog, async (catalog) => {
    await catalog.query(`delete from sku_availability where sku in (
      select sku from sku_availability order by sku limit (select count(*) / 2 from sku_availability))`);
  });
  await arena.operate('rebuild', 'catalog.availability', '--reason', 'chaos lost half of it');
}

export const operators: readonly Fault[] = [
  {
    id: 'F31',
    title: 'the commands of a cancelled order arrive after their undo',
    expectation: 'the late action is refused; nothing is held, nothing is charged',
    inject: lateCommands,
  },
  {
    id: 'F35',
    title: 'half of a read model deleted, then `stoa rebuild` while orders come in',
    expectation: 'it is built beside the live one, swapped, and equals the truth',
    inject: lostReadModel,
  },
];
