// `stoa canary`: tells a service's database of its canary. Steps of a Rollout run it (mesh/components/canary), and
// operators after an abort. The database is the one that STOA_DATABASE_URL_<SERVICE> names, else that of the running shop.
// `settle` goes on until it is ended, and takes Argo Rollouts' word (mesh/components/canary/settle.yaml).
import { parseArgs } from 'node:util';
import { ConfigError } from '@stoa/chassis/config';
import { createLog, type Log } from '@stoa/chassis/log';
import { openPgDatabase, type PgDatabase } from '@stoa/chassis/postgres/pg-database';
import { systemRuntime } from '@stoa/chassis/runtime';
import { readRollout } from '../canary/argo.ts';
import { settleAgain } from '../canary/settle.ts';
import { endCanary, readCanaryState, readRejected, shareWithCanary } from '../operate/canary-row.ts';
import { namedDatabases } from '../operate/find-databases.ts';
import { findRunning, homeFolder } from '../start/home.ts';
import { readCount } from './read-count.ts';

const ACTIONS = 'show, share, promote or rollback';
const SETTLE_MS = 10_000;

export async function canary(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      version: { type: 'string' },
      percent: { type: 'string', default: '0' },
      reason: { type: 'string', default: '' },
    },
  });
  const [action = '', service = ''] = positionals;
  if (action === 'settle') return settle();
  const percent = readCount('--percent', values.percent, 0, 100);
  const db = await open(service);
  try {
    const version = values.version ?? (await readCanaryState(db))?.version;
    if (action !== 'show') await change(db, { action, version, percent, reason: values.reason });
    const now = await readCanaryState(db);
    const text = now === undefined ? 'never had a canary' : `${now.version}: ${now.state}, ${now.percent} % ${now.why}`;
    process.stdout.write(`${service}: ${text.trimEnd()}\n`);
    for (const { version, state, why } of await readRejected(db)) {
      process.stdout.write(`  ${version} is rejected (${state}) ${why}`.trimEnd().concat('\n'));
    }
    return 0;
  } finally {
    await db.close();
  }
}

interface Change {
  readonly action: string;
  readonly version: string | undefined;
  readonly percent: number;
  readonly reason: string;
}

async function change(db: PgDatabase, { action, version, percent, reason }: Change): Promise<void> {
  if (!['share', 'promote', 'rollback'].includes(action)) throw new ConfigError(`say ${ACTIONS}, and which service`);
  if (version === undefined || version === '') throw new ConfigError('there is no canary yet: say --version');
  if (action === 'share') return shareWithCanary(db, version, percent);
  const state = action === 'promote' ? 'promoted' : 'rolled back';
  const ended = await endCanary(db, version, { state, why: reason });
  if (ended) return;
  const now = await readCanaryState(db);
  const isRejected = (await readRejected(db)).some((rejected) => rejected.version === version);
  if (isRejected) throw new Error(`${version} was rejected already: to change that, share it again first`);
  if (now?.version !== version) throw new Error(`the canary is not ${version}`);
  throw new Error(`${version} is ${now.state} already: to change that, share it again first`);
}

/** In a cluster, of every service whose database the environment names. */
async function settle(): Promise<number> {
  const urls = await namedDatabases(process.env);
  if (urls === undefined) throw new ConfigError('settle needs the databases: set STOA_DATABASE_URL_<SERVICE>');
  const log = createLog('info');
  const databases = Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, openUrl(url, log)]));
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort());
  await settleAgain({ databases, readRollout, log }, SETTLE_MS, ending.signal);
  await Promise.all(Object.values(databases).map((db) => db.close()));
  return 0;
}

async function open(service: string): Promise<PgDatabase> {
  const databases = (await namedDatabases(process.env)) ?? findRunning(homeFolder(process.env))?.databases ?? {};
  const url = databases[service];
  if (url === undefined)
    throw new ConfigError(`there is no database of "${service}"; say ${ACTIONS}, and which service`);
  return openUrl(url, createLog('silent'));
}

function openUrl(url: string, log: Log): PgDatabase {
  const { clock, random } = systemRuntime();
  return openPgDatabase({ url, poolMax: 1, applicationName: 'stoa-canary', log, clock, random });
}
