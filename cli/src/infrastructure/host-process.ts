// Processes that host services on behalf of a command. Each is written down in the home while it runs: one that outlives
// a command that was killed is ended by the next, before it takes the ports that this one still holds.

import { fork } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Exit } from './child.ts';
import { markOf, type StopStep, stopProcesses } from './processes.ts';

export interface HostProcess {
  /** Resolves once it serves; never when it ends before. */
  readonly ready: Promise<void>;
  readonly exited: Promise<Exit>;
  /** Drains it, by force when that takes too long. */
  stop(): Promise<void>;
}

export interface HostProcessOptions {
  readonly home: string;
  /** The `stoa` command's file, of this version or another. */
  readonly main: string;
  readonly service: string;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly onOutput: (text: string) => void;
}

const stopMs = 15_000;
/** Those that are left have noticed by themselves that nobody is there any more, and have been draining since. */
const stopSteps: readonly StopStep[] = [
  { signal: 'SIGTERM', waitMs: 3_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
];

const notesOf = (home: string) => join(home, 'hosts');

export function forkHost({ home, main, service, env, cwd, onOutput }: HostProcessOptions): HostProcess {
  const child = fork(main, ['host', service], {
    ...(cwd === undefined ? {} : { cwd }),
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const forget = child.pid === undefined ? () => {} : writeDown(home, child.pid);
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => onOutput(chunk.toString()));
  }
  child.once('exit', forget);
  // Not 'exit': its last words may come after that.
  const exited = new Promise<Exit>((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  return {
    ready: new Promise((resolve) => child.once('message', () => resolve())),
    exited,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), stopMs);
      await exited;
      clearTimeout(force);
    },
  };
}

function writeDown(home: string, pid: number): () => void {
  const note = join(notesOf(home), markOf(pid));
  mkdirSync(notesOf(home), { recursive: true });
  writeFileSync(note, '');
  return () => rmSync(note, { force: true });
}

/** Ends the processes that a killed command has left on this home. Hold the home's lock. */
export async function stopLeftoverHosts(home: string): Promise<void> {
  mkdirSync(notesOf(home), { recursive: true });
  const notes = new Set(readdirSync(notesOf(home)));
  await stopProcesses(({ pid, command }) => / host \w+$/.test(command) && notes.has(markOf(pid)), stopSteps);
  for (const note of notes) rmSync(join(notesOf(home), note), { force: true });
}
