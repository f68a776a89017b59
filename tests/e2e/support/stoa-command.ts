// The `stoa` command as a user runs it: a process of its own, under the Node that runs the tests.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../../../scripts/checks/run-tool.ts';
import { killAll, type Process, treeOf } from './process-tree.ts';

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Command {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout(): string;
  stderr(): string;
}

/** Then it hangs, and is killed. */
const COMMAND_MS = 120_000;

/** Starts it. `env` is added to what is left of ours without vitest's and Stoa's own variables. */
export function spawnStoa(args: readonly string[], env: NodeJS.ProcessEnv): Command {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(STOA_|VITEST|NODE_|TEST$|PORT$)/.test(name));
  const child = spawn(process.execPath, [join(root, 'cli/src/main.ts'), ...args], {
    cwd: root,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, as a terminal makes one for each command.
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((done, fail) => {
    child.once('error', fail);
    child.once('close', (status, signal) => done({ status, signal, stdout, stderr }));
  });
  return { child, ended, stdout: () => stdout, stderr: () => stderr };
}

/** Runs it to its end. `seen` is every process that it had at some time. */
export async function runStoa(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Ended & { readonly seen: readonly Process[] }> {
  const { child, ended } = spawnStoa(args, env);
  const seen = new Map<string, Process>();
  let running = true;
  const watching = (async () => {
    while (running) {
      for (const each of treeOf(child.pid as number)) seen.set(`${each.pid} ${each.startTime}`, each);
      await sleep(50);
    }
  })();
  const tooLong = setTimeout(() => void killAll([...seen.values()]), COMMAND_MS);
  const result = await ended;
  clearTimeout(tooLong);
  running = false;
  await watching;
  return { ...result, seen: [...seen.values()] };
}
