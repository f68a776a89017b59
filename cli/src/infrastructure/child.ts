// Server processes that we start: spawning, readiness, stopping.
//
// A server runs in a session of its own, so Ctrl-C in the terminal reaches only us and we decide the order in which
// things stop. It writes to a log file and not to a pipe, so it neither blocks nor dies when we are killed; the next
// start finds and stops it.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StopStep } from './processes.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface RunningServer {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
  readonly exited: Promise<Exit>;
}

export interface StartOptions {
  readonly home: string;
  /** Told what takes longer than a moment, one line each. */
  readonly onProgress?: (line: string) => void;
  /** The port to take; a free one when left out. For a server that comes back where its clients look for it. */
  readonly port?: number | undefined;
}

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Complete: servers get nothing of our own environment, where a PGDATA or LC_ALL could bend them. */
  readonly env: NodeJS.ProcessEnv;
  readonly account: Account | undefined;
  readonly logFile: string;
  readonly stopSteps: readonly StopStep[];
}

export interface ServerProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  stop(): Promise<void>;
  /** What it has logged since it was started. */
  log(): string;
}

const logBytesMax = 10 * 1024 * 1024;
const pollMs = 15;

export async function spawnServer(server: ServerCommand): Promise<ServerProcess> {
  const log = openLog(server.logFile);
  const child = spawn(server.command, server.args, {
    cwd: server.cwd,
    env: server.env,
    stdio: ['ignore', log.fd, log.fd],
    detached: true,
    ...(server.account ?? {}),
  });
  closeSync(log.fd);
  const exited = new Promise<Exit>((done) => child.once('exit', (code, signal) => done({ code, signal })));
  await new Promise<void>((done, fail) => {
    child.once('spawn', done);
    child.once('error', (error) => fail(new Error(`${server.command} cannot be started: ${error.message}.`)));
  });
  const pid = child.pid as number;
  // A last resort for when we end without stop(): ask it to stop, nobody can wait for it any more.
  const onExit = () => child.kill(server.stopSteps[0]?.signal);
  process.once('exit', onExit);
  void exited.then(() => process.off('exit', onExit));
  // It must not keep us alive by itself; stop() does, while it waits.
  child.unref();
  let stopping: Promise<void> | undefined;
  const stop = () => {
    child.ref();
    stopping ??= stopChild(child, exited, server.stopSteps);
    return stopping;
  };
  return { pid, exited, stop, log: () => readFileSync(server.logFile).subarray(log.offset).toString('utf8') };
}

/** Polls `probe` until it says yes. A server that ends first, or takes too long, is an error with its last words. */
export async function waitUntilReady(
  server: ServerProcess,
  name: string,
  timeoutMs: number,
  probe: () => Promise<boolean>,
): Promise<void> {
  let ended = false;
  void server.exited.then(() => {
    ended = true;
  });
  const deadline = Date.now() + timeoutMs;
  while (!ended) {
    if (await probe()) return;
    if (Date.now() > deadline) {
      await server.stop();
      throw new Error(`${name} is not ready after ${timeoutMs / 1000} s: ${lastLine(server.log())}`);
    }
    await sleep(pollMs);
  }
  throw new Error(`${name} ended while it was starting: ${lastLine(server.log())}`);
}

/** True when a server that failed to start says that its port is in use. */
export function saysPortInUse(server: ServerProcess): boolean {
  return /address already in use/i.test(server.log());
}

async function stopChild(child: ChildProcess, exited: Promise<Exit>, steps: readonly StopStep[]): Promise<void> {
  // Asked of the child and not remembered: once it has ended its id may be another process's.
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  for (const { signal, waitMs } of steps) {
    if (hasEnded()) return;
    child.kill(signal);
    const timer = new AbortController();
    await Promise.race([exited, sleep(waitMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  }
  if (!hasEnded()) throw new Error(`Process ${child.pid} does not stop.`);
}

/** Appends, so that the story of a crash survives the restart; an old log is put aside before it grows endlessly. */
function openLog(path: string): { fd: number; offset: number } {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > logBytesMax) renameSync(path, `${path}.1`);
  const fd = openSync(path, 'a', 0o600);
  return { fd, offset: fstatSync(fd).size };
}

function lastLine(log: string): string {
  const lines = log.trim().split('\n');
  return lines.findLast((line) => /fatal|error|\[ftl\]/i.test(line)) ?? lines.at(-1) ?? 'it logged nothing';
}
