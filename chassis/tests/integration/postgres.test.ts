import type { OutboxRecord } from '@stoa/chassis/events/envelope';
import { createPublish } from '@stoa/chassis/events/publish';
import { createLog } from '@stoa/chassis/log';
import { CommitUnknownError, SqlState, sqlState } from '@stoa/chassis/postgres/database';
import type { PgDatabase } from '@stoa/chassis/postgres/pg-database';
import { type Statement, sql } from '@stoa/chassis/postgres/sql';
import { systemRuntime } from '@stoa/chassis/runtime';
import { createTestDatabases, type TestDatabases } from '@stoa/chassis/testing/test-database';
import { StockLevelChangedSchema } from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';

const publish = createPublish(systemRuntime().ids);

let databases: TestDatabases;
let db: PgDatabase;

beforeAll(async () => {
  databases = await createTestDatabases({
    adminUrl: inject('postgresUrl'),
    runtime: systemRuntime(),
    log: createLog('silent'),
    databases: { plain: { folder: new URL('./fixtures/migrations/', import.meta.url), chassis: true } },
  });
  db = databases.open('plain');
});
afterAll(() => databases.drop());
beforeEach(() => db.run(sql`delete from account`));

const add = (id: string, balance: bigint) => sql`insert into account (id, balance) values (${id}, ${balance})`;
const balanceOf = async (id: string) =>
  (await db.maybe(sql<{ balance: bigint }>`select balance from account where id = ${id}`))?.balance;

describe('reading and writing', () => {
  it('keeps integers beyond 2^53 exact', async () => {
    await db.run(add('big', 9_007_199_254_740_993n));
    expect(await balanceOf('big')).toBe(9_007_199_254_740_993n);
    const row = await db.one(sql<{ list: bigint[] }>`select array[balance, 1] as list from account where id = 'big'`);
    expect(row.list).toEqual([9_007_199_254_740_993n, 1n]);
  });

  it('sends values as parameters, never as text', async () => {
    const id = "x'); drop table account; --";
    await db.run(add(id, 1n));
    expect(await balanceOf(id)).toBe(1n);
  });

  it('refuses one row where there are none or two', async () => {
    await db.run(add('a', 1n));
    await db.run(add('b', 1n));
    await expect(db.one(sql`select id from account where id = 'none'`)).rejects.toThrow('expected a row');
    await expect(db.maybe(sql`select id from account`)).rejects.toThrow('expected one row, got 2');
  });
});

describe('transactions', () => {
  it('commits nothing when its events cannot even be sent', async () => {
    const cannot = { toPostgres: () => expect.fail('cannot be written down') };
    const failing = db.transact(async (tx) => {
      await tx.run(add('half', 1n));
      publish(tx, StockLevelChangedSchema, { sku: 'a', version: 1n });
      tx.outbox.push({ ...(tx.outbox.pop() as OutboxRecord), payload: cannot as unknown as Uint8Array });
    });
    await expect(failing).rejects.toThrow('cannot be written down');
    expect(await balanceOf('half')).toBeUndefined();
  });

  it('undoes everything when the body throws', async () => {
    const failing = db.transact(async (tx) => {
      await tx.run(add('gone', 1n));
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await balanceOf('gone')).toBeUndefined();
  });

  it('reports a statement that failed and was caught as a failed commit', async () => {
    const swallowing = db.transact(async (tx) => {
      await tx.run(add('a', 1n));
      await tx.run(add('a', 1n)).catch(() => {});
    });
    await expect(swallowing).rejects.toThrow('rolled back');
    expect(await balanceOf('a')).toBeUndefined();
  });

  it('undoes a savepoint alone', async () => {
    const called: string[] = [];
    await db.transact(async (tx) => {
      tx.afterCommit(() => called.push('kept'));
      await tx.run(add('kept', 1n));
      const inner = tx.savepoint(async () => {
        tx.afterCommit(() => called.push('undone'));
        await tx.run(add('undone', 1n));
        await tx.run(add('kept', 1n));
      });
      await expect(inner).rejects.toMatchObject({ code: SqlState.uniqueViolation });
    });
    expect(await balanceOf('kept')).toBe(1n);
    expect(await balanceOf('undone')).toBeUndefined();
    expect(called).toEqual(['kept']);
  });

  it('repeats a transaction that was the victim of a deadlock', async () => {
    await db.run(add('a', 0n));
    await db.run(add('b', 0n));
    const move = (first: string, second: string) =>
      db.transact(async (tx) => {
        await tx.run(sql`update account set balance = balance + 1 where id = ${first}`);
        await tx.run(sql`select pg_sleep(0.05)`);
        await tx.run(sql`update account set balance = balance + 1 where id = ${second}`);
      });
    await Promise.all([move('a', 'b'), move('b', 'a')]);
    expect([await balanceOf('a'), await balanceOf('b')]).toEqual([2n, 2n]);
  });

  it.each([
    ['events to store', true],
    ['none', false],
  ])('tells an unknown commit apart and discards the connection, with %s', async (_, publishes) => {
    const ended = db.transact(async (tx) => {
      await tx.run(add('maybe', 1n));
      if (publishes) publish(tx, StockLevelChangedSchema, { sku: 'maybe', version: 1n });
      const { pid } = await tx.one(sql<{ pid: number }>`select pg_backend_pid() as pid`);
      await endBackend(pid);
    });
    await expect(ended).rejects.toBeInstanceOf(CommitUnknownError);
    expect(await balanceOf('maybe')).toBeUndefined();
  });

  it('names the refusal of an event, not the rollback that it brings about', async () => {
    const refused = db.transact(async (tx) => {
      publish(tx, StockLevelChangedSchema, { sku: 'twice', version: 1n });
      tx.outbox.push(...tx.outbox);
    });
    await expect(refused).rejects.toMatchObject({ code: SqlState.uniqueViolation });
  });

  it('calls back after the commit, and not after a rollback', async () => {
    const calls: string[] = [];
    await db.transact(async (tx) => {
      tx.afterCommit(() => calls.push('committed'));
    });
    await db
      .transact(async (tx) => {
        tx.afterCommit(() => calls.push('never'));
        throw new Error('no');
      })
      .catch(() => {});
    expect(calls).toEqual(['committed']);
  });

  it('reads one snapshot when asked to, and cannot write in it', async () => {
    const writing = db.transact((tx) => tx.run(add('a', 1n)), { snapshot: true });
    await expect(writing).rejects.toSatisfy((error) => sqlState(error) === '25006');
  });
});

describe('plans', () => {
  it('look rows up by key, although they were made when the table was empty', async () => {
    const end = (ids: readonly string[]) => sql`
      update saga set reason = ended.reason
      from unnest(${ids}::uuid[], ${ids.map(() => 'over')}::text[]) as ended (id, reason) where saga_id = ended.id`;
    const plan = await db.transact(async (tx) => {
      // Often enough for the server to keep one plan for good.
      for (let times = 0; times < 10; times++) await tx.run(end([]));
      const text = `explain execute "${end([]).name}" ('{}', '{}')`;
      return tx.rows({ name: '', text, values: [] } as Statement<{ 'QUERY PLAN': string }>);
    });
    const lines = plan.map((row) => row['QUERY PLAN']).join('\n');
    expect(lines).toContain('Index Scan using saga_pkey');
    expect(lines).not.toMatch(/Seq Scan|Hash Join/);
  });
});

describe('closing', () => {
  it('ends when the server has let go of every connection, so that stopping it then cuts nobody off', async () => {
    const connections = async () =>
      (await db.one(sql<{ n: bigint }>`select count(*) as n from pg_stat_activity where datname = current_database()`))
        .n;
    const before = await connections();
    const other = databases.open('plain');
    await Promise.all(Array.from({ length: 4 }, () => other.run(sql`select pg_sleep(0.1)`)));
    expect(await connections()).toBe(before + 4n);
    await other.close();
    expect(await connections()).toBe(before);
  });
});

describe('privileges', () => {
  it('keep a service from changing its schema and from reaching other databases', async () => {
    await expect(db.run(sql`create table more (id int)`)).rejects.toThrow('permission denied');
    await expect(db.run(sql`drop table account`)).rejects.toThrow('must be owner');
  });
});

/** Ends a backend from another connection of the same role. */
async function endBackend(pid: number): Promise<void> {
  const other = databases.open('plain');
  await other.run(sql`select pg_terminate_backend(${pid})`);
}
