// Gives each service a database and two roles of its own: the owner migrates, the service's role only reads and writes
// rows. No role may connect to another's database.
import pg from 'pg';
import { ConfigError } from '../config.ts';

export interface ServiceDatabase {
  readonly name: string;
  readonly ownerUrl: string;
  /** What the service itself connects with. */
  readonly url: string;
}

export interface ProvisionOptions {
  /** A role that may create roles and databases (`createdb createrole`); it need not be a superuser. */
  readonly adminUrl: string;
  /** Names databases and roles `<prefix>_<name>`. */
  readonly prefix: string;
  readonly names: readonly string[];
  /** One secret from which each role's password is derived, or given, by role name. */
  readonly password: (role: string) => string;
}

const quote = pg.escapeIdentifier;

function urlFor(adminUrl: string, role: string, password: string, database: string): string {
  const url = new URL(adminUrl);
  url.username = role;
  url.password = password;
  url.pathname = `/${database}`;
  return url.href;
}

/** The services' URLs are made from it: one that leaves its host to libpq's defaults has no place for them. */
function requireHost(adminUrl: string): void {
  if (URL.canParse(adminUrl) && new URL(adminUrl).hostname !== '') return;
  throw new ConfigError('the URL of PostgreSQL must name a host: postgres://user:password@host:5432/database');
}

/** Only a superuser may say `nosuperuser` of a role that is there already, so later calls leave all but the password. */
async function ensureRole(admin: pg.Client, role: string, password: string): Promise<void> {
  const { rowCount } = await admin.query('select from pg_roles where rolname = $1', [role]);
  const secret = `password ${pg.escapeLiteral(password)}`;
  if (rowCount === 0) await admin.query(`create role ${quote(role)} login nocreatedb nocreaterole ${secret}`);
  else await admin.query(`alter role ${quote(role)} ${secret}`);
}

async function ensureDatabase(admin: pg.Client, database: string, owner: string): Promise<void> {
  const { rowCount } = await admin.query('select from pg_database where datname = $1', [database]);
  if (rowCount !== 0) return;
  // Only a member may give a database to a role; whoever made the role is none by that.
  await admin.query(`grant ${quote(owner)} to current_user`);
  await admin.query(`create database ${quote(database)} owner ${quote(owner)}`);
}

/** The owner gives a role what a service needs: to connect, as the only one, and to read and write rows. Repeatable. */
export async function grantRows(ownerUrl: string, role: string): Promise<void> {
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  try {
    const { rows } = await owner.query<{ name: string }>('select current_database() as name');
    const database = quote(rows[0]?.name as string);
    await owner.query(`revoke all on database ${database} from public`);
    await owner.query(`grant connect on database ${database} to ${quote(role)}`);
    // Whoever may read everything in this cluster anyway (the auditor) reads here too.
    await owner.query(`grant connect on database ${database} to pg_read_all_data`);
    const rights = 'select, insert, update, delete';
    await owner.query(`grant usage on schema public to ${quote(role)}`);
    await owner.query(`grant ${rights} on all tables in schema public to ${quote(role)}`);
    await owner.query(`alter default privileges in schema public grant ${rights} on tables to ${quote(role)}`);
    await owner.query(`alter default privileges in schema public grant usage, select on sequences to ${quote(role)}`);
  } finally {
    await owner.end();
  }
}

/** Creates what is missing; repeating it changes nothing but the passwords. */
export async function provisionDatabases(options: ProvisionOptions): Promise<ServiceDatabase[]> {
  const { adminUrl, prefix, names, password } = options;
  requireHost(adminUrl);
  const admin = new pg.Client({ connectionString: adminUrl, application_name: 'stoa-provision' });
  await admin.connect();
  const result: ServiceDatabase[] = [];
  try {
    for (const name of names) {
      const database = `${prefix}_${name}`;
      const owner = `${database}_owner`;
      await ensureRole(admin, owner, password(owner));
      await ensureRole(admin, database, password(database));
      await ensureDatabase(admin, database, owner);
      const ownerUrl = urlFor(adminUrl, owner, password(owner), database);
      await grantRows(ownerUrl, database);
      result.push({ name, ownerUrl, url: urlFor(adminUrl, database, password(database), database) });
    }
  } finally {
    await admin.end();
  }
  return result;
}
