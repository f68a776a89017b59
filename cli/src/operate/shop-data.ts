// The shop's databases in an operator's hands: those of the shop that runs on this home, or, when none runs, those of the
// embedded server, started for the time of one command.
import { createHmac } from 'node:crypto';
import { createLog } from '@stoa/chassis/log';
import type { Database } from '@stoa/chassis/postgres/database';
import { openPgDatabase, type PgDatabase } from '@stoa/chassis/postgres/pg-database';
import { type Runtime, systemRuntime } from '@stoa/chassis/runtime';
import { readSecrets } from '../infrastructure/secrets.ts';
import { findRunning, homeFolder } from '../start/home.ts';

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

export interface ShopDataOptions {
  readonly urls: Readonly<Record<string, string>>;
  readonly running: boolean;
  /** Password of a role. */
  readonly password: (role: string) => string;
}

/** An operator waits longer than a request does, but not for ever. */
const STATEMENT_TIMEOUT_MS = 120_000;
const LOCK_TIMEOUT_MS = 10_000;
const CONNECTIONS = 2;

export interface OpenShopData extends ShopData {
  close(): Promise<void>;
}

/** Connects to nothing until a database is used. */
export function openShopData({ urls, running, password }: ShopDataOptions): OpenShopData {
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
      const url = new URL(urlOf(name));
      url.username = `${url.username}_owner`;
      url.password = password(url.username);
      return open(url.href, 1);
    },
    async close() {
      await Promise.all([...opened.values()].map((database) => database.close()));
    },
  };
}

/** Runs a command on the data of this home. Says on stderr when nothing runs there. */
export async function withShopData<T>(env: NodeJS.ProcessEnv, run: (data: ShopData) => Promise<T>): Promise<T> {
  const home = homeFolder(env);
  const rolePassword = (role: string) =>
    createHmac('sha256', readSecrets(home).roles ?? '')
      .update(role)
      .digest('base64url');
  const use = async (urls: Readonly<Record<string, string>>, running: boolean) => {
    const data = openShopData({ urls, running, password: rolePassword });
    try {
      return await run(data);
    } finally {
      await data.close();
    }
  };
  const found = findRunning(home);
  if (found !== undefined) return use(found.databases, true);
  process.stderr.write(`No shop runs on ${home}: its database is started for this command.\n`);
  const { openPlatform } = await import('../start/platform.ts');
  const platform = await openPlatform({ home, env, onProgress: () => {} });
  try {
    return await use(platform.databases, false);
  } finally {
    await platform.stop();
  }
}
