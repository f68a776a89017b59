// What a killed run leaves behind: a postmaster still serving, backends whose postmaster is gone, stale pid and socket files.

import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningProcess, stopProcesses } from './processes.ts';

/** Stops every process that works on this data directory, and removes a pid file that would mislead the next one. */
export async function stopLeftoverPostgres(data: string): Promise<void> {
  await stopProcesses(worksOn(data), [
    // Fast shutdown, with a checkpoint; then immediate, which the next start recovers from; then by force.
    { signal: 'SIGINT', waitMs: 10_000 },
    { signal: 'SIGQUIT', waitMs: 5_000 },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ]);
  removeMisleadingPidFile(data);
}

/** Stops what works on `folder`/data and deletes it; the folder too, unless somebody keeps other things there. */
export async function removePostgres(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  await stopLeftoverPostgres(join(folder, 'data'));
  rmSync(join(folder, 'data'), { recursive: true, force: true });
  removeUnfinished(folder);
  removeSockets(folder);
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

/** Removes what a killed start was making. */
export function removeUnfinished(folder: string): void {
  for (const name of readdirSync(folder)) {
    // Retries: its initdb may still be writing.
    const options = { recursive: true, force: true, maxRetries: 10, retryDelay: 100 };
    if (name.startsWith('new-')) rmSync(join(folder, name), options);
  }
}

/** Removes a killed server's sockets: by a lock file whose process id is another's now the next one refuses to start. */
export function removeSockets(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith('.s.PGSQL.')) rmSync(join(folder, name), { force: true });
  }
}

function worksOn(data: string): (candidate: RunningProcess) => boolean {
  return ({ command, cwd }) => {
    if (command.startsWith('postgres: ')) return cwd === data || cwd === `${data} (deleted)`;
    return command.includes(`/postgres -D ${data} -c `);
  };
}

/**
 * PostgreSQL sees for itself that the process in its pid file is dead. But when the id has meanwhile been given to
 * another process of the same user, or nobody has collected the dead one yet, it refuses to start. We know better:
 * nobody works on this directory.
 */
function removeMisleadingPidFile(data: string): void {
  const path = join(data, 'postmaster.pid');
  let pid: number;
  try {
    pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
  } catch {
    return;
  }
  if (answersToSignals(pid)) rmSync(path, { force: true });
}

/** As PostgreSQL asks; a zombie, which processState() calls dead, answers too. */
function answersToSignals(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
