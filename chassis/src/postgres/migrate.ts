// Forward-only migrations: numbered SQL files, each in one transaction, checksummed so that an edited file is noticed.
// They run under the database's owner, before the service starts; the service's own role cannot change the schema.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';

export interface MigrationFolder {
  /** Distinguishes the chassis' own tables from the service's. */
  readonly scope: string;
  readonly folder: URL;
}

export interface Migration {
  readonly scope: string;
  /** File name, for example "000001_events.sql". */
  readonly id: string;
  readonly text: string;
  readonly checksum: string;
}

/** The chassis' tables, wanted by every service that stores anything. */
export const CHASSIS_MIGRATIONS: MigrationFolder = {
  scope: 'chassis',
  folder: new URL('../../migrations/', import.meta.url),
};

const FILE_NAME = /^\d{6}_[a-z0-9_]+\.sql$/;
/** Any number: the same one for everybody who migrates a database. */
const ADVISORY_LOCK = 7_355_608;

/** Reads the migrations of the folders, in the order in which they are to run. */
export async function readMigrations(folders: readonly MigrationFolder[]): Promise<Migration[]> {
  const read = folders.map(async ({ scope, folder }) => {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
    const odd = names.find((name) => !FILE_NAME.test(name));
    if (odd !== undefined) throw new Error(`migration ${odd} must be named like 000001_create_orders.sql`);
    return Promise.all(
      names.map(async (id) => {
        const text = await readFile(new URL(id, folder), 'utf8');
        return { scope, id, text, checksum: createHash('sha256').update(text).digest('hex') };
      }),
    );
  });
  return (await Promise.all(read)).flat();
}

/** Brings a database up to date; returns how many migrations ran. Safe to run from several places at once. */
export async function migrate(ownerUrl: string, folders: readonly MigrationFolder[]): Promise<number> {
  const migrations = await readMigrations(folders);
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'stoa-migrate' });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await client.query(`create table if not exists schema_migration (
      scope text not null, id text not null, checksum text not null, applied_at timestamptz not null default now(),
      primary key (scope, id))`);
    const applied = await client.query<{ scope: string; id: string; checksum: string }>(
      'select scope, id, checksum from schema_migration',
    );
    const known = new Map(applied.rows.map((row) => [`${row.scope}/${row.id}`, row.checksum]));
    let count = 0;
    for (const migration of migrations) {
      const checksum = known.get(`${migration.scope}/${migration.id}`);
      if (checksum === undefined) {
        await apply(client, migration);
        count++;
      } else if (checksum !== migration.checksum) {
        throw new Error(
          `migration ${migration.scope}/${migration.id} was changed after it had been applied: restore the file and add a new one`,
        );
      }
    }
    return count;
  } finally {
    await client.end();
  }
}

async function apply(client: pg.Client, { scope, id, text, checksum }: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query('insert into schema_migration (scope, id, checksum) values ($1, $2, $3)', [scope, id, checksum]);
    await client.query(text);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw new Error(`migration ${scope}/${id} failed: ${(error as Error).message}`, { cause: error });
  }
}
