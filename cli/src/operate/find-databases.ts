// Which databases a command works on: those that the environment names, else those of the shop that runs on this home,
// else those of the embedded server, started for the time of the command.
import { createHmac } from 'node:crypto';
import { ConfigError } from '@stoa/chassis/config';
import { DATABASE_PREFIX } from '@stoa/chassis/host/host-config';
import { readSecrets } from '../infrastructure/secrets.ts';
import { findRunning, homeFolder } from '../start/home.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Urls = Readonly<Record<string, string>>;

export interface FoundDatabases {
  /** By database name, under the services' own roles. */
  readonly urls: Urls;
  /** Whether services run that will act on what is written. */
  readonly running: boolean;
  /** The URL of a database under its owner's role. */
  owner(database: string): string;
}

const OWNER_PREFIX = 'STOA_MIGRATE_URL_';

/** URLs by database name, where a deployment names them (STOA_DATABASE_URL_ORDERS); throws for names of none. */
export async function namedDatabases(env: Environment): Promise<Urls | undefined> {
  const named = await namedBy(env, DATABASE_PREFIX);
  return Object.keys(named).length === 0 ? undefined : named;
}

async function namedBy(env: Environment, prefix: string): Promise<Urls> {
  const named = Object.entries(env).flatMap(([variable, url]) =>
    variable.startsWith(prefix) && url ? [[variable.slice(prefix.length).toLowerCase(), url] as const] : [],
  );
  if (named.length === 0) return {};
  // Loaded late: most commands are told of no database.
  const { databaseSpecs } = await import('../services.ts');
  const known = databaseSpecs().map(({ name }) => name);
  const unknown = named.map(([name]) => name).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const variables = unknown.map((name) => prefix + name.toUpperCase()).join(', ');
    throw new ConfigError(`there is no such database: ${variables}; there are ${known.join(', ')}`);
  }
  return Object.fromEntries(named);
}

/** Runs a command on them. Says on stderr when they had to be started. */
export async function withDatabases<T>(env: NodeJS.ProcessEnv, use: (found: FoundDatabases) => Promise<T>): Promise<T> {
  const named = await namedDatabases(env);
  if (named !== undefined) {
    const owners = await namedBy(env, OWNER_PREFIX);
    return use({ urls: named, running: true, owner: (name) => namedOwner(owners, name) });
  }
  const home = homeFolder(env);
  const atHome = (urls: Urls, running: boolean) =>
    use({ urls, running, owner: (name) => ownerUrl(urls[name] as string, readSecrets(home).roles ?? '') });
  const found = findRunning(home);
  if (found !== undefined) return atHome(found.databases, true);
  const { openData, requireData } = await import('../start/platform.ts');
  requireData(home, env);
  process.stderr.write(`No shop runs on ${home}: its database is started for this command.\n`);
  const data = await openData(home, env);
  try {
    return await atHome(data.databases, false);
  } finally {
    await data.stop();
  }
}

function namedOwner(owners: Urls, name: string): string {
  const url = owners[name];
  if (url === undefined) throw new ConfigError(`set ${OWNER_PREFIX}${name.toUpperCase()}: this needs the owner's role`);
  return url;
}

function ownerUrl(serviceUrl: string, secret: string): string {
  const url = new URL(serviceUrl);
  url.username = `${url.username}_owner`;
  url.password = createHmac('sha256', secret).update(url.username).digest('base64url');
  return url.href;
}
