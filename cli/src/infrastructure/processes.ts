// What is running on this machine: is a process alive, is it still the same one, and which processes are ours.
//
// Process ids are reused (in containers within seconds), so an id alone proves nothing: identity is id plus start
// time where /proc gives it, and a process is only ever signalled after its command line has been recognised.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessState {
  readonly alive: boolean;
  /** Clock ticks since boot; null where there is no /proc. */
  readonly startTime: string | null;
}

export interface RunningProcess {
  readonly pid: number;
  readonly command: string;
  /** Working directory; null where it cannot be seen. */
  readonly cwd: string | null;
}

export interface StopStep {
  readonly signal: NodeJS.Signals;
  readonly waitMs: number;
}

const pollMs = 20;

export function processState(pid: number): ProcessState {
  const stat = textOf(`/proc/${pid}/stat`);
  if (stat !== undefined) {
    // The command name, in parentheses, may contain anything: count from the last one. Fields 3 (state) and 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie answers to kill(pid, 0) but holds nothing any more.
    return { alive: fields[0] !== 'Z' && fields[0] !== 'X', startTime: fields[19] ?? null };
  }
  try {
    process.kill(pid, 0);
    return { alive: true, startTime: null };
  } catch (error) {
    return { alive: (error as NodeJS.ErrnoException).code === 'EPERM', startTime: null };
  }
}

/** Names a process in a file: its id and its start time, so that another one which gets the id later is not meant. */
export function markOf(pid: number): string {
  return `${pid}-${processState(pid).startTime ?? 0}`;
}

/** All processes but this one that `isOurs` recognises. */
export function findProcesses(isOurs: (candidate: RunningProcess) => boolean): number[] {
  const all = process.platform === 'linux' ? processesFromProc() : processesFromPs();
  return all.filter((candidate) => candidate.pid !== process.pid && isOurs(candidate)).map(({ pid }) => pid);
}

/** Stops every process that `isOurs` recognises, a step at a time; throws when even the last step leaves one. */
export async function stopProcesses(
  isOurs: (candidate: RunningProcess) => boolean,
  steps: readonly StopStep[],
): Promise<void> {
  for (const { signal, waitMs } of steps) {
    const pids = findProcesses(isOurs);
    if (pids.length === 0) return;
    for (const pid of pids) signalProcess(pid, signal);
    const deadline = Date.now() + waitMs;
    while (Date.now() < deadline && findProcesses(isOurs).length > 0) await sleep(pollMs);
  }
  const left = findProcesses(isOurs);
  if (left.length > 0) {
    throw new Error(`Process ${left.join(', ')} is left over from an earlier run and cannot be stopped.`);
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone meanwhile, which is what was wanted; or another user's, which stopProcesses() reports in the end.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function processesFromProc(): RunningProcess[] {
  const found: RunningProcess[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const command = textOf(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim();
    // Empty for kernel threads and zombies, absent for what ended while we were reading.
    if (command) found.push({ pid, command, cwd: linkOf(`/proc/${pid}/cwd`) });
  }
  return found;
}

function processesFromPs(): RunningProcess[] {
  const table = execFileSync('ps', ['-axwwo', 'pid=,command='], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 });
  return table
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ pid: Number(match[1]), command: match[2] ?? '', cwd: null }));
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
