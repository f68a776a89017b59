// Programs from Debian and Ubuntu packages, without installing them: apt downloads and verifies the package, dpkg
// unpacks it into a folder of ours. Nothing in the system changes, no service is started, root is not needed.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const timeoutMs = 180_000;

/** Unpacks `name` into `target`, which must not exist, whole or not at all. False when this machine's apt cannot. */
export async function unpackDebianPackage(name: string, target: string, path: readonly string[]): Promise<boolean> {
  mkdirSync(dirname(target), { recursive: true });
  const work = mkdtempSync(`${target}-`);
  const options = {
    cwd: work,
    timeout: timeoutMs,
    env: { PATH: [...path, '/usr/bin', '/bin'].join(':'), LC_ALL: 'C' },
  };
  try {
    const archive = await download(name, work, options);
    if (archive === undefined) return false;
    await run('dpkg-deb', ['-x', archive, join(work, 'root')], options);
    // Fails when another start has been quicker, and then its copy is as good.
    renameSync(join(work, 'root'), target);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

type RunOptions = { cwd: string; timeout: number; env: NodeJS.ProcessEnv };

/** First from the package lists that the system has; when they are missing or too old, from fresh ones of our own. */
async function download(name: string, work: string, options: RunOptions): Promise<string | undefined> {
  const cache = join(work, 'cache');
  const state = join(work, 'state');
  mkdirSync(join(cache, 'archives', 'partial'), { recursive: true });
  mkdirSync(join(state, 'lists', 'partial'), { recursive: true });
  // The sandbox user (root only) could not write to our folder; signatures are checked all the same.
  const common = ['-qq', '-o', `Dir::Cache=${cache}`, '-o', 'APT::Sandbox::User='];
  const own = [...common, '-o', `Dir::State=${state}`, '-o', 'Dir::State::status=/var/lib/dpkg/status'];
  // One unreachable source among several must not cost minutes.
  const update = ['-o', 'Acquire::Languages=none', '-o', 'Acquire::Retries=1'];
  update.push('-o', 'Acquire::http::Timeout=15', '-o', 'Acquire::https::Timeout=15');
  const archive = () => readdirSync(work).find((file) => file.endsWith('.deb'));

  await run('apt-get', [...common, 'download', name], options).catch(() => undefined);
  if (archive() !== undefined) return join(work, archive() as string);
  // It fails when any source does; the one we need may have worked.
  await run('apt-get', [...own, ...update, 'update'], options).catch(() => undefined);
  await run('apt-get', [...own, 'download', name], options).catch(() => undefined);
  const found = archive();
  return found === undefined ? undefined : join(work, found);
}
