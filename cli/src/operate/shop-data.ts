// The shop's databases in an operator's hands.
import { createLog } from '@stoa/chassis/log';
import type { Database } from '@stoa/chassis/postgres/database';
import { openPgDatabase, type PgDatabase } from '@stoa/chassis/postgres/pg-database';
import { type Runtime, systemRuntime } from '@stoa/chassis/runtime';
import { type FoundDatabases, withDatabases } from './find-databases.ts';

export interface ShopData {
  /** Whether services run that will act on what is written. */
  readonly running: boolean;
  readonly runtime: Runtime;
  has(database: string): boolean;
  /** A database under its service's own role. */
  at(database: string): Database;
  /** The same under its owner, with one connection: for temporary tables, which a service may not make. */
  openAsOwner(database: string): PgDatabase;
}

/** An operator waits longer than a request does, but not for ever. */
const STATEMENT_TIMEOUT_MS = 120_000;
const LOCK_TIMEOUT_MS = 10_000;
const CONNECTIONS = 2;

export interface OpenShopData extends ShopData {
  close(): Promise<void>;
}

/** Connects to nothing until a database is used. */
export function openShopData({ urls, running, owner }: FoundDatabases): OpenShopData {
  const runtime = systemRuntime();
  const { clock, random } = runtime;
  const limits = { statementTimeoutMs: STATEMENT_TIMEOUT_MS, lockTimeoutMs: LOCK_TIMEOUT_MS };
  const open = (url: string, poolMax: number) =>
    openPgDatabase({
      url,
      poolMax,
      applicationName: 'stoa-operate',
      ...limits,
      log: createLog('silent'),
      clock,
      random,
    });
  const opened = new Map<string, PgDatabase>();
  const urlOf = (name: string) => {
    const url = urls[name];
    if (url === undefined) throw new Error(`there is no database "${name}" in this shop`);
    return url;
  };
  return {
    running,
    runtime,
    has: (name) => urls[name] !== undefined,
    at(name) {
      const database = opened.get(name) ?? open(urlOf(name), CONNECTIONS);
      opened.set(name, database);
      return database;
    },
    openAsOwner(name) {
      urlOf(name);
      return open(owner(name), 1);
    },
    async close() {
      await Promise.all([...opened.values()].map((database) => database.close()));
    },
  };
}

/** Runs a command on the data that it finds. */
export function withShopData<T>(env: NodeJS.ProcessEnv, run: (data: ShopData) => Promise<T>): Promise<T> {
  return withDatabases(env, async (found) => {
    const data = openShopData(found);
    try {
      return await run(data);
    } finally {
      await data.close();
    }
  });
}
