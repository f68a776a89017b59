// Where a nats-server is: named by STOA_NATS_SERVER, on PATH, unpacked by an earlier start, or unpacked now.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { unpackDebianPackage } from './apt.ts';
import type { HostEnvironment } from './environment.ts';
import type { Home } from './home.ts';

/** 2.9 is what Debian 12 has, and the oldest that our JetStream use is tested with. */
const oldest = { major: 2, minor: 9 };
/** Debian puts servers where a normal user's PATH does not look. */
const serverFolders = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

export async function findNatsServer(
  home: Home,
  environment: HostEnvironment,
  onProgress?: (line: string) => void,
): Promise<string> {
  if (environment.natsServer !== undefined) return checked(environment.natsServer);
  const folders = [environment.cacheDir, home.tools].filter((folder) => folder !== undefined);
  const installed = [...environment.path, ...serverFolders].map((folder) => join(folder, 'nats-server'));
  const found = [...installed, ...folders.map(unpackedIn)].find(isUsable);
  if (found !== undefined) return found;

  const folder = folders.find(isWritable) ?? home.tools;
  onProgress?.('Fetching nats-server (first start only)…');
  const target = join(folder, 'nats-server');
  rmSync(target, { recursive: true, force: true });
  await unpackDebianPackage('nats-server', target, environment.path);
  if (isUsable(unpackedIn(folder))) return unpackedIn(folder);
  throw new Error(
    `Stoa needs nats-server ${oldest.major}.${oldest.minor} or newer and could not fetch it: install it ` +
      '(apt-get install nats-server, brew install nats-server), or set STOA_NATS_SERVER to its path, ' +
      'or STOA_NATS_URL to a running server.',
  );
}

function unpackedIn(folder: string): string {
  return join(folder, 'nats-server', 'usr', 'sbin', 'nats-server');
}

function checked(path: string): string {
  if (isUsable(path)) return path;
  throw new Error(
    `STOA_NATS_SERVER names ${path}, which is not a nats-server ${oldest.major}.${oldest.minor} or newer.`,
  );
}

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    return false;
  }
  // "nats-server: v2.9.10"
  const answer = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  const version = /v?(\d+)\.(\d+)\.\d+/.exec(answer.stdout ?? '');
  if (version === null) return false;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  return major > oldest.major || (major === oldest.major && minor >= oldest.minor);
}

function isWritable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
