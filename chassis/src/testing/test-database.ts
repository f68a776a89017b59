// Fresh databases for a test file, made and migrated as a deployment makes them, dropped at the end.
import pg from 'pg';
import type { Log } from '../log.ts';
import { CHASSIS_MIGRATIONS, migrate } from '../postgres/migrate.ts';
import { openPgDatabase, type PgDatabase } from '../postgres/pg-database.ts';
import { provisionDatabases } from '../postgres/provision.ts';
import type { Runtime } from '../runtime.ts';

export interface TestDatabases {
  readonly urls: Readonly<Record<string, string>>;
  open(name: string): PgDatabase;
  drop(): Promise<void>;
}

export interface TestDatabasesOptions {
  readonly adminUrl: string;
  readonly runtime: Runtime;
  readonly log: Log;
  /** Migration folders by database name. The chassis' own tables come first where `chassis` says so. */
  readonly databases: Readonly<Record<string, { readonly folder: URL | undefined; readonly chassis: boolean }>>;
  readonly onPublished?: () => void;
}

/** Creates and migrates; names are unique, so test files do not meet. */
export async function createTestDatabases(options: TestDatabasesOptions): Promise<TestDatabases> {
  const { adminUrl, runtime, log, databases } = options;
  const prefix = `t_${Buffer.from(runtime.random.bytes(6)).toString('hex')}`;
  const provisioned = await provisionDatabases({
    adminUrl,
    prefix,
    names: Object.keys(databases),
    password: () => 'test',
  });
  for (const { name, ownerUrl } of provisioned) {
    const { folder, chassis } = databases[name] as { folder: URL | undefined; chassis: boolean };
    const own = folder === undefined ? [] : [{ scope: name, folder }];
    await migrate(ownerUrl, chassis ? [CHASSIS_MIGRATIONS, ...own] : own);
  }
  const opened: PgDatabase[] = [];
  const urls = Object.fromEntries(provisioned.map(({ name, url }) => [name, url]));
  return {
    urls,
    open(name) {
      const { clock, random } = runtime;
      const { onPublished } = options;
      const database = openPgDatabase({
        url: urls[name] as string,
        applicationName: 'stoa-test',
        plans: 'by-key',
        log,
        clock,
        random,
        ...(onPublished === undefined ? {} : { onPublished }),
      });
      opened.push(database);
      return database;
    },
    async drop() {
      await Promise.all(opened.map((database) => database.close()));
      const admin = new pg.Client({ connectionString: adminUrl });
      await admin.connect();
      for (const { name } of provisioned) {
        await admin.query(`drop database if exists ${prefix}_${name} with (force)`);
        await admin.query(`drop role if exists ${prefix}_${name}`);
        await admin.query(`drop role if exists ${prefix}_${name}_owner`);
      }
      await admin.end();
    },
  };
}
