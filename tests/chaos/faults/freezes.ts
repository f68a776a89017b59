// Processes that stop answering without dying, and locks that nobody gives back.
import pg from 'pg';
import type { Arena } from '../arena.ts';
import { acceptsOrders, anySku, confirmsOrders, withShop } from '../buyers.ts';
import type { Fault } from '../fault.ts';
import { freeze, hurting, seconds } from '../tools.ts';

const shopIsOpen = (arena: Arena) => withShop(arena, anySku);

/** `meanwhile`: what needs it not. */
function frozenService(
  service: string,
  forSeconds: number,
  meanwhile: (arena: Arena) => Promise<unknown>,
  long = false,
): Fault {
  return {
    id: `F7 ${service} ${forSeconds}s`,
    title: `${service} frozen for ${forSeconds} s`,
    expectation: 'others go on; what it held is fenced by versions and leases; it catches up',
    long,
    inject: async (arena) => freeze(await arena.pidOf(service), forSeconds, () => meanwhile(arena)),
  };
}

export const freezes: readonly Fault[] = [
  frozenService('inventory', 5, acceptsOrders),
  frozenService('orders', 5, shopIsOpen),
  frozenService('payments', 30, shopIsOpen, true),
  frozenService('orders', 120, shopIsOpen, true),
  {
    id: 'F13',
    title: 'broker frozen for 12 s',
    expectation: 'publishing times out with an unknown outcome and is repeated; consumers skip what they have',
    inject: async (arena) => freeze(await arena.natsPid(), 12),
  },
  {
    id: 'F16d',
    title: 'database frozen for 5 s (postmaster and all backends)',
    expectation: 'requests fail by their deadlines; everything goes on afterwards',
    async inject(arena) {
      const { adminUrl } = arena;
      const client = new pg.Client({ connectionString: adminUrl });
      await client.connect();
      const { rows } = await client.query<{ pid: number }>('select pid from pg_stat_activity');
      await client.end();
      const pids = [await arena.postgresPid(), ...rows.map(({ pid }) => pid)];
      await Promise.all(pids.map((pid) => freeze(pid, 5).catch(() => {})));
    },
  },
  {
    id: 'F19a',
    title: 'a lock on every saga held for 8 s',
    expectation: 'statements fail by lock_timeout and are repeated',
    inject: (arena) =>
      holdLock(arena.databases.orders as string, 'lock table saga in access exclusive mode', () => seconds(8)),
  },
  {
    id: 'F19b',
    title: 'a write transaction left open for 10 s',
    expectation: 'numbering and publishing do not wait for it',
    inject: (arena) =>
      holdLock(arena.databases.orders as string, 'select pg_current_xact_id()', () =>
        hurting(10, () => confirmsOrders(arena)),
      ),
  },
];

/** Runs a statement in a transaction and leaves it open for the time of `body`. */
async function holdLock(url: string, statement: string, body: () => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, idle_in_transaction_session_timeout: 0 });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('begin');
    await client.query(statement);
    await body();
    await client.query('rollback');
  } finally {
    await client.end();
  }
}
