// A process and everything that it has started, so that a test can end exactly that and prove that nothing is left.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProcesses, processState } from '../../../cli/src/infrastructure/processes.ts';

/** Ids are reused: a process is its id and its start time. */
export interface Process {
  readonly pid: number;
  readonly startTime: string | null;
}

const POLL_MS = 20;

/** The process and its descendants. */
export function treeOf(pid: number): Process[] {
  const parents = parentsOfAll();
  const tree = [pid];
  for (const parent of tree) {
    for (const [child, itsParent] of parents) if (itsParent === parent) tree.push(child);
  }
  return tree
    .map((each) => ({ pid: each, ...processState(each) }))
    .filter(({ alive }) => alive)
    .map(({ pid: each, startTime }) => ({ pid: each, startTime }));
}

/** Those of them that still run. */
export function stillRunning(processes: readonly Process[]): Process[] {
  return processes.filter(({ pid, startTime }) => {
    const now = processState(pid);
    return now.alive && now.startTime === startTime;
  });
}

/** SIGKILL to all of them at once; returns when they are gone. */
export async function killAll(processes: readonly Process[]): Promise<void> {
  for (const { pid } of stillRunning(processes)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Ended meanwhile, as its parent did.
    }
  }
  await gone(processes, 10_000);
}

/** Waits until none of them runs; throws when one still does. */
export async function gone(processes: readonly Process[], timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const left = stillRunning(processes);
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`still running: ${left.map(({ pid }) => pid).join(', ')}`);
    await sleep(POLL_MS);
  }
}

/** The one process of the tree whose command line matches. */
export function processIn(tree: readonly Process[], command: RegExp): Process {
  const matching = new Set(findProcesses((candidate) => command.test(candidate.command)));
  const [found, ...others] = tree.filter(({ pid }) => matching.has(pid));
  if (found === undefined || others.length > 0) {
    throw new Error(`${others.length + (found ? 1 : 0)} processes match ${command}`);
  }
  return found;
}

/** Parents by process id, of everything on this machine. */
function parentsOfAll(): Map<number, number> {
  return process.platform === 'linux' ? parentsFromProc() : parentsFromPs();
}

function parentsFromProc(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // The command name, in parentheses, may contain anything. State and parent follow it.
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // Ended while we were reading.
    }
  }
  return parents;
}

function parentsFromPs(): Map<number, number> {
  const table = execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' });
  const rows = table.trim().split('\n');
  return new Map(rows.map((row) => row.trim().split(/\s+/).map(Number) as [number, number]));
}
