// `stoa audit`: checks the invariants over the databases that STOA_DATABASE_URL_<NAME> name, else over those of the shop
// that runs on this home. When none runs, the embedded database is started for the time of the audit. With `--every` it
// goes on, and serves what it finds as metrics.
import { parseArgs } from 'node:util';
import { ConfigError, readConfig } from '@stoa/chassis/config';
import { hostConfig } from '@stoa/chassis/host/host-config';
import { readSince } from '../audit/since.ts';
import { findRunning, homeFolder } from '../start/home.ts';
import { readCount } from './read-count.ts';

const auditorConfig = { host: hostConfig.listenHost, port: hostConfig.adminPort, version: hostConfig.version };

export async function audit(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      settle: { type: 'string', default: '0' },
      since: { type: 'string' },
      json: { type: 'boolean', default: false },
      every: { type: 'string' },
    },
  });
  const settleMs = readCount('--settle', values.settle.replace(/s$/, ''), 0, 3600) * 1000;
  const { since: sinceText } = values;
  const since = () => (sinceText === undefined ? undefined : readSince(sinceText, new Date()));
  const narrowed = since();
  const named = namedDatabases(process.env);
  if (values.every !== undefined) {
    return serve(named, readCount('--every', values.every.replace(/s$/, ''), 1, 86_400), since);
  }
  const home = homeFolder(process.env);
  const { runAudit } = await import('../audit/audit.ts');
  const check = async (databases: Readonly<Record<string, string>>) => {
    const report = await runAudit({ databases, settleMs, since: narrowed, json: values.json, out: process.stdout });
    return report.ok ? 0 : 1;
  };
  if (named !== undefined) return check(named);
  const running = findRunning(home);
  if (running !== undefined) return check(running.databases);
  const { openPlatform } = await import('../start/platform.ts');
  const platform = await openPlatform({ home, env: process.env, onProgress: () => {} });
  try {
    return await check(platform.databases);
  } finally {
    await platform.stop();
  }
}

const PREFIX = 'STOA_DATABASE_URL_';

/** URLs by database name, where a deployment names them. */
export function namedDatabases(env: Readonly<Record<string, string | undefined>>): Record<string, string> | undefined {
  const named = Object.entries(env).flatMap(([variable, url]) =>
    variable.startsWith(PREFIX) && url ? [[variable.slice(PREFIX.length).toLowerCase(), url] as const] : [],
  );
  return named.length === 0 ? undefined : Object.fromEntries(named);
}

async function serve(
  databases: Readonly<Record<string, string>> | undefined,
  everySeconds: number,
  since: () => Date | undefined,
): Promise<number> {
  if (databases === undefined) throw new ConfigError(`--every needs the databases: set ${PREFIX}<NAME>`);
  const { host, port, version } = readConfig(auditorConfig, process.env);
  const { auditSilently, runAuditor } = await import('../audit/auditor.ts');
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort());
  const { signal } = ending;
  const audit = auditSilently(since);
  await runAuditor({ databases, everyMs: everySeconds * 1000, host, port, version, signal, audit });
  return 0;
}
