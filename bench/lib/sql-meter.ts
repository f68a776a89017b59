// Counts what PostgreSQL is asked: statements by pg_stat_statements, transactions by pg_stat_database.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export interface SqlCount {
  /** Without BEGIN and COMMIT. */
  readonly statements: number;
  /** Committed transactions; a statement outside of one counts as one. */
  readonly transactions: number;
  /** Statements by database. */
  readonly byDatabase: Readonly<Record<string, number>>;
}

export interface SqlMeter {
  reset(): Promise<void>;
  /** Since the last reset. */
  read(): Promise<SqlCount>;
  /** The statements that took most time since the last reset. */
  top(limit: number): Promise<Record<string, string | number>[]>;
  close(): Promise<void>;
}

/** Backends report to pg_stat_database about once a second. */
const REPORTED_AFTER_MS = 1100;
const SERVICES = "datname like 'stoa_%'";

/** `adminUrl` is a superuser's. */
export async function openSqlMeter(adminUrl: string): Promise<SqlMeter> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query('create extension if not exists pg_stat_statements');
  let committedBefore = 0;
  const committed = async () => {
    await sleep(REPORTED_AFTER_MS);
    const text = `select sum(xact_commit)::float8 as n from pg_stat_database where ${SERVICES}`;
    return (await admin.query<{ n: number }>(text)).rows[0]?.n ?? 0;
  };
  return {
    async reset() {
      committedBefore = await committed();
      await admin.query('select pg_stat_statements_reset()');
    },
    async read() {
      const { rows } = await admin.query<{ datname: string; calls: number }>(`
        select substr(datname, 6) as datname, sum(calls)::float8 as calls
        from pg_stat_statements s join pg_database d on d.oid = s.dbid
        where ${SERVICES} and query !~* '^(begin|commit|rollback)' group by 1`);
      const byDatabase = Object.fromEntries(rows.map(({ datname, calls }) => [datname, calls]));
      const statements = rows.reduce((sum, { calls }) => sum + calls, 0);
      return { statements, transactions: (await committed()) - committedBefore, byDatabase };
    },
    async top(limit) {
      const { rows } = await admin.query(
        `select substr(datname, 6) as service, calls::float8, round(total_exec_time::numeric)::float8 as ms,
           round(mean_exec_time::numeric, 3)::float8 as mean_ms, left(regexp_replace(query, '\\s+', ' ', 'g'), 90) as query
         from pg_stat_statements s join pg_database d on d.oid = s.dbid
         where ${SERVICES} order by total_exec_time desc limit $1`,
        [limit],
      );
      return rows;
    },
    close: () => admin.end(),
  };
}
