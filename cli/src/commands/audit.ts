// `stoa audit`: checks the invariants over the databases of the shop that runs on this home. When none runs, the
// embedded database is started for the time of the audit.
import { parseArgs } from 'node:util';
import { findRunning, homeFolder } from '../start/home.ts';
import { readCount } from './read-count.ts';

export async function audit(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { settle: { type: 'string', default: '0' }, json: { type: 'boolean', default: false } },
  });
  const settleMs = readCount('--settle', values.settle.replace(/s$/, ''), 0, 3600) * 1000;
  const home = homeFolder(process.env);
  const { runAudit } = await import('../audit/audit.ts');
  const check = async (databases: Readonly<Record<string, string>>) => {
    const report = await runAudit({ databases, settleMs, json: values.json, out: process.stdout });
    return report.ok ? 0 : 1;
  };
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
