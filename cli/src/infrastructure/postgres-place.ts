// Which user PostgreSQL runs as and where its data lies.
//
// PostgreSQL refuses to run as root. As root we therefore run it as another user, and that user has to reach the data:
// when it cannot (a home under /root, 0700), the data lies in /var/lib/stoa and home/postgres is a symbolic link to
// it. The link is what makes the data belong to the home: when the home was deleted, its data outside is deleted by
// the next start, or by clearData(). As a normal user everything is under the home.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Account } from './child.ts';
import type { Home } from './home.ts';
import { removePostgres } from './postgres-leftovers.ts';

export interface PostgresPlace {
  /** Undefined: run as ourselves. */
  readonly account: Account | undefined;
  /** Belongs to the account; holds `data` and, while that is being made, a `new-…` folder. */
  readonly folder: string;
  readonly data: string;
}

/** Root's place for what an unprivileged user must reach: data of unreachable homes, copies of the binaries. */
export const outsideHome = '/var/lib/stoa';

const nobody: Account = { uid: 65534, gid: 65534 };

export async function placePostgres(home: Home): Promise<PostgresPlace> {
  if (process.getuid?.() !== 0) {
    mkdirSync(home.postgres, { recursive: true, mode: 0o700 });
    // Resolved, because running processes are recognised by it and somebody may have put a link there.
    const folder = realpathSync(home.postgres);
    return { account: undefined, folder, data: join(folder, 'data') };
  }
  const folder = linkedFolder(home) ?? (inHome(home) ? home.postgres : await linkOutside(home));
  const account = handOver(folder);
  if (account === null) throw new Error(`PostgreSQL cannot run as root, and no other user can be given ${folder}.`);
  return { account, folder, data: join(folder, 'data') };
}

/** The folder for a home that PostgreSQL's user cannot reach; it need not exist. */
export function outsideFolder(home: Home): string {
  return join(outsideHome, `home-${createHash('sha256').update(home.path).digest('hex').slice(0, 16)}`);
}

export function linkedFolder(home: Home): string | undefined {
  const present = lstatSync(home.postgres, { throwIfNoEntry: false });
  return present?.isSymbolicLink() ? readlinkSync(home.postgres) : undefined;
}

function inHome(home: Home): boolean {
  if (handOver(home.postgres) !== null) return true;
  if (existsSync(join(home.postgres, 'data'))) {
    throw new Error(`PostgreSQL cannot run as root, and no other user can reach ${home.postgres} any more.`);
  }
  rmSync(home.postgres, { recursive: true, force: true });
  return false;
}

async function linkOutside(home: Home): Promise<string> {
  const folder = outsideFolder(home);
  await removePostgres(folder);
  mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Last: what no home links to counts as left over.
  symlinkSync(folder, home.postgres);
  return folder;
}

/** Makes the folder and gives it to an unprivileged user, or leaves it with the one that has it. Null: impossible. */
function handOver(folder: string): Account | null {
  mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, gid } = lstatSync(folder);
  const account = uid === 0 ? unprivilegedAccount() : { uid, gid };
  try {
    chownSync(folder, account.uid, account.gid);
  } catch {
    // Some shared mounts and user namespaces do not have that user.
    return null;
  }
  // Ask the kernel rather than work out modes, ACLs and mounts of every folder above.
  const answer = spawnSync('/bin/sh', ['-c', 'cd "$0" && test -w .', folder], { cwd: '/', env: {}, ...account });
  return answer.status === 0 ? account : null;
}

function unprivilegedAccount(): Account {
  const entry = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  return entry === null ? nobody : { uid: Number(entry[1]), gid: Number(entry[2]) };
}
