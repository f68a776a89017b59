// The embedded PostgreSQL: a real server, beside the process, on the loopback interface and a port of its own. Its URL
// leads to its socket in the file system: sending over TCP to the same machine cost a quarter of Node's time.
//
// Safe to be killed at any moment: a new database cluster is made in a folder of its own and renamed into place when
// complete; its password is stored before it is used; what an earlier run left running is stopped before a new server
// starts. Durability is never traded for speed (fsync and synchronous_commit stay on): what we prove here must hold
// in production. The caller holds the home's lock.

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import {
  type RunningServer,
  type ServerProcess,
  type StartOptions,
  saysPortInUse,
  spawnServer,
  waitUntilReady,
} from './child.ts';
import { readHostEnvironment } from './environment.ts';
import { type Home, openHome } from './home.ts';
import { portTaken, withPort } from './ports.ts';
import { type PostgresBinaries, preparePostgresBinaries } from './postgres-binaries.ts';
import { removeSockets, removeUnfinished, stopLeftoverPostgres } from './postgres-leftovers.ts';
import { outsideHome, type PostgresPlace, placePostgres } from './postgres-place.ts';
import { readSecrets, updateSecrets } from './secrets.ts';

/** Long, because after a crash it replays up to max_wal_size of log first. */
const readyTimeoutMs = 120_000;
const probeTimeoutMs = 2_000;
/** Everything under LC_ALL=C and UTC: the same on every machine, whatever the user has set. */
const MB = 1024 * 1024;
/**
 * glibc gives a backend's memory back to the kernel after each statement and takes it again, page by page, for the
 * next: two thirds of all page faults. So it keeps a few megabytes.
 */
const keptMemory = {
  MALLOC_TOP_PAD_: String(MB),
  MALLOC_TRIM_THRESHOLD_: String(16 * MB),
  MALLOC_MMAP_THRESHOLD_: String(8 * MB),
};
const serverEnv = { LC_ALL: 'C', TZ: 'UTC', ...keptMemory };

/** `url` is the superuser's. */
export async function startPostgres({ home: path, onProgress, port: wanted }: StartOptions): Promise<RunningServer> {
  const home = openHome(path);
  const place = await placePostgres(home);
  const copies = place.account === undefined ? (readHostEnvironment().cacheDir ?? home.tools) : outsideHome;
  const binaries = preparePostgresBinaries(place.account, copies);
  await stopLeftoverPostgres(place.data);
  removeSockets(place.folder);
  const password = passwordOf(home, place);
  if (!existsSync(place.data)) {
    onProgress?.('Creating the database (first start only)…');
    await createCluster(place, binaries, password);
  }
  checkVersion(place, binaries);
  return withPort(wanted, (port) => launch({ home, place, binaries, password, port }));
}

/** Longest path that the system takes for a socket's address. */
const socketPathMax = 107;

/** Undefined where its path would be too long, or when the environment asks for TCP. */
function socketFolder({ folder }: PostgresPlace): string | undefined {
  const fits = `${folder}/.s.PGSQL.65535`.length <= socketPathMax;
  return fits && !readHostEnvironment().postgresOverTcp ? folder : undefined;
}

interface Launch {
  readonly home: Home;
  readonly place: PostgresPlace;
  readonly binaries: PostgresBinaries;
  readonly password: string;
  readonly port: number;
}

async function launch({ home, place, binaries, password, port }: Launch): Promise<RunningServer | typeof portTaken> {
  const socket = socketFolder(place);
  const server = await spawnServer({
    command: binaries.postgres,
    args: ['-D', place.data, ...settings(port, socket, binaries)],
    cwd: place.data,
    env: serverEnv,
    account: place.account,
    logFile: join(home.logs, 'postgres.log'),
    stopSteps: [
      { signal: 'SIGINT', waitMs: 10_000 },
      { signal: 'SIGQUIT', waitMs: 5_000 },
      { signal: 'SIGKILL', waitMs: 5_000 },
    ],
  });
  const through = socket === undefined ? '' : `?host=${encodeURIComponent(socket)}`;
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres${through}`;
  const first = binaries.hasStatStatements ? 'create extension if not exists pg_stat_statements' : 'select 1';
  try {
    await waitUntilReady(server, 'PostgreSQL', readyTimeoutMs, () => answers(url, first));
  } catch (error) {
    if (saysPortInUse(server)) return portTaken;
    await server.stop();
    throw error;
  }
  return running(server, url);
}

function running({ pid, exited, stop }: ServerProcess, url: string): RunningServer {
  return { url, pid, exited, stop };
}

/** On the command line and not in postgresql.conf, so that a newer release of Stoa takes its own settings along. */
function settings(port: number, socket: string | undefined, { hasStatStatements }: PostgresBinaries): string[] {
  const values: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: socket ?? '',
    max_connections: 200,
    shared_buffers: '128MB',
    fsync: 'on',
    synchronous_commit: 'on',
    wal_compression: 'on',
    max_wal_size: '1GB',
    password_encryption: 'scram-sha-256',
    log_line_prefix: '%m [%p] %q%u@%d ',
    ...(hasStatStatements ? { shared_preload_libraries: 'pg_stat_statements' } : {}),
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function createCluster(place: PostgresPlace, binaries: PostgresBinaries, password: string): Promise<void> {
  removeUnfinished(place.folder);
  const making = join(place.folder, `new-${randomBytes(4).toString('hex')}`);
  const passwordFile = join(making, 'password');
  mkdirSync(making, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (place.account !== undefined) {
    for (const path of [making, passwordFile]) chownSync(path, place.account.uid, place.account.gid);
  }
  const args = ['-D', join(making, 'data'), '--encoding=UTF8', '--locale=C', '--username=postgres'];
  args.push('--auth=scram-sha-256', `--pwfile=${passwordFile}`);
  try {
    await promisify(execFile)(binaries.initdb, args, { cwd: place.folder, env: serverEnv, ...(place.account ?? {}) });
    renameSync(join(making, 'data'), place.data);
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(`The database could not be created: ${(stderr.trim() || message).split('\n').at(-1)}`);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

function passwordOf(home: Home, { data, folder }: PostgresPlace): string {
  const stored = readSecrets(home.path).postgresPassword;
  if (stored !== undefined) return stored;
  if (existsSync(data)) {
    throw new Error(
      `The database in ${folder} has a password that is not in ${join(home.path, 'secrets.json')} any more: ` +
        'restore that file, or delete the database to start afresh.',
    );
  }
  // Hexadecimal: goes into a URL as it is.
  const password = randomBytes(24).toString('hex');
  updateSecrets(home.path, { postgresPassword: password });
  return password;
}

function checkVersion({ data }: PostgresPlace, { major }: PostgresBinaries): void {
  const found = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  if (found === major) return;
  throw new Error(
    `The database in ${data} was written by PostgreSQL ${found} and this release of Stoa brings PostgreSQL ${major}: ` +
      'move its content with pg_dump, or delete it to start afresh.',
  );
}

/** False while it is starting or recovering; throws for what waiting does not change. */
async function answers(url: string, statement: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, ssl: false, connectionTimeoutMillis: probeTimeoutMs });
  // Without a listener a connection that breaks between two calls ends our process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(statement);
    return true;
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === '28P01')
      throw new Error('The password in secrets.json is not that of the database: restore that file.');
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
