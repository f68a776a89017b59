// `stoa audit`: checks the invariants over the shop's databases. With `--every` it goes on, over those that
// STOA_DATABASE_URL_<NAME> name, and serves what it finds as metrics.
import { parseArgs } from 'node:util';
import { ConfigError, readConfig } from '@stoa/chassis/config';
import { DATABASE_PREFIX, hostConfig } from '@stoa/chassis/host/host-config';
import { readSince } from '../audit/since.ts';
import { namedDatabases, withDatabases } from '../operate/find-databases.ts';
import { readCount } from './read-count.ts';

/** Exit status of an audit that found nothing broken and did not see everything. */
const NOT_ALL_CHECKED = 3;

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
  if (values.every !== undefined) {
    const everySeconds = readCount('--every', values.every.replace(/s$/, ''), 1, 86_400);
    return serve(await namedDatabases(process.env), everySeconds, since);
  }
  const { runAudit } = await import('../audit/audit.ts');
  return withDatabases(process.env, async ({ urls: databases }) => {
    const report = await runAudit({ databases, settleMs, since: narrowed, json: values.json, out: process.stdout });
    if (!report.ok) return 1;
    return report.notChecked.length > 0 ? NOT_ALL_CHECKED : 0;
  });
}

async function serve(
  databases: Readonly<Record<string, string>> | undefined,
  everySeconds: number,
  since: () => Date | undefined,
): Promise<number> {
  if (databases === undefined) throw new ConfigError(`--every needs the databases: set ${DATABASE_PREFIX}<NAME>`);
  const { host, port, version } = readConfig(auditorConfig, process.env);
  const { auditSilently, runAuditor } = await import('../audit/auditor.ts');
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort());
  const { signal } = ending;
  const audit = auditSilently(since);
  await runAuditor({ databases, everyMs: everySeconds * 1000, host, port, version, signal, audit });
  return 0;
}
