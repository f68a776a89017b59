// The home folder: everything that Stoa keeps on a machine, by default `.stoa` in the repository.
//
//   secrets.json  lock/  hosts/  logs/  tools/  nats/
//   postgres      the database's folder; a symbolic link when it has to live elsewhere (see postgres-place.ts)

import { accessSync, constants, mkdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

export interface Home {
  /** Real path: process command lines are compared with it. */
  readonly path: string;
  readonly logs: string;
  readonly tools: string;
  readonly nats: string;
  readonly postgres: string;
}

/** Creates what is missing. */
export function openHome(path: string): Home {
  const home = describeHome(path);
  // Traversable by others: PostgreSQL may have to run as another user. Whatever is secret in it has its own mode.
  try {
    mkdirSync(home.path, { recursive: true, mode: 0o755 });
    mkdirSync(home.logs, { recursive: true });
    accessSync(home.logs, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(
      `Stoa cannot write to its home ${home.path} (${code}): run it as the user that the folder belongs to.`,
    );
  }
  return home;
}

export function describeHome(path: string): Home {
  const real = realPath(resolve(path));
  return Object.freeze({
    path: real,
    logs: join(real, 'logs'),
    tools: join(real, 'tools'),
    nats: join(real, 'nats'),
    postgres: join(real, 'postgres'),
  });
}

/** The real path of something that need not exist (any more). */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}
