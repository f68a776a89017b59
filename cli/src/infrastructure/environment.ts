// Everything the embedded infrastructure takes from the process environment, read in this one place.

import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface HostEnvironment {
  /** Folders to look for programs in, in order. */
  readonly path: readonly string[];
  /** `STOA_NATS_SERVER`: the nats-server to use, whatever else there is. */
  readonly natsServer: string | undefined;
  /** `STOA_EMBEDDED_POSTGRES=tcp`: not by its socket. For faults of the network. */
  readonly postgresOverTcp: boolean;
  /** Downloads shared by all checkouts of this user; undefined when there is no home folder of our own. */
  readonly cacheDir: string | undefined;
}

export function readHostEnvironment(env: NodeJS.ProcessEnv = process.env): HostEnvironment {
  return Object.freeze({
    path: (env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
    natsServer: env.STOA_NATS_SERVER || undefined,
    postgresOverTcp: env.STOA_EMBEDDED_POSTGRES === 'tcp',
    cacheDir: cacheDir(env),
  });
}

function cacheDir(env: NodeJS.ProcessEnv): string | undefined {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'stoa');
  const home = env.HOME ?? homedir();
  // Under sudo HOME may be another user's: root must not leave files there that their owner cannot change.
  const isOurs = statSync(home, { throwIfNoEntry: false })?.uid === process.getuid?.();
  return isOurs ? join(home, '.cache', 'stoa') : undefined;
}
