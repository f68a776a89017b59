// Processes that stop answering without dying, and locks that nobody gives back.
import pg from 'pg';
import type { Fault } from '../fault.ts';
import { freeze, seconds } from '../tools.ts';

function frozenService(service: string, forSeconds: number, long: boolean): Fault {
  return {
    id: `F7 ${service} ${forSeconds}s`,
    title: `${service} frozen for ${forSeconds} s`,
    expectation: 'others go on; what it held is fenced by versions and leases; it catches up',
    long,
    inject: async (arena) => freeze(await arena.pidOf(service), forSeconds),
  };
}

export const freezes: readonly Fault[] = [
  frozenService('inventory', 5, false),
  frozenService('orders', 5, false),
  frozenService('payments', 30, true),
  frozenService('orders', 120, true),
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
    inject: (arena) => holdLock(arena.databases.orders as string, 'lock table saga in access exclusive mode', 8),
  },
  {
    id: 'F19b',
    title: 'a write transaction left open for 10 s',
    expectation: 'numbering and publishing do not wait for it',
    inject: (arena) => holdLock(arena.databases.orders as string, 'select pg_current_xact_id()', 10),
  },
];

/** Runs a statement in a transaction and leaves it open. */
async function holdLock(url: string, statement: string, forSeconds: number): Promise<void> {
  const client = new pg.Client({ connectionString: url, idle_in_transaction_session_timeout: 0 });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('begin');
    await client.query(statement);
    await seconds(forSeconds);
    await client.query('rollback');
  } finally {
    await client.end();
  }
}
