// A real shop to measure: `stoa start` in a process of its own, on a home of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clearData } from '../../cli/src/infrastructure/clear-data.ts';
import { freePorts } from '../../cli/src/infrastructure/ports.ts';
import type { Running } from '../../cli/src/start/home.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MAIN = join(ROOT, 'cli/src/main.ts');
const START_LIMIT_MS = 180_000;
const STOP_LIMIT_MS = 60_000;

export interface ShopOptions {
  readonly split?: boolean;
  /** Kept between shops; a new one is made and removed when left out. */
  readonly home?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** For Node, for example --cpu-prof. */
  readonly nodeFlags?: readonly string[];
  readonly seed?: boolean;
}

export interface Shop {
  readonly home: string;
  readonly pid: number;
  readonly running: Running;
  /** From the process' start to "ready", in milliseconds. */
  readonly startMs: number;
  stop(): Promise<void>;
}

export const newHome = () => mkdtempSync(join(tmpdir(), 'stoa-bench-'));

/** Removes a home whose servers have stopped. Its database may lie outside: for root it does. */
export async function removeHome(home: string): Promise<void> {
  await clearData(home);
  rmSync(home, { recursive: true, force: true });
}

export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  const home = options.home ?? newHome();
  const [port] = await freePorts(1);
  const args = ['start', ...(options.split ? ['--split'] : []), ...(options.seed === false ? ['--no-seed'] : [])];
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...(options.nodeFlags ?? []), MAIN, ...args], {
    cwd: ROOT,
    env: { ...process.env, STOA_ENV: 'production', ...options.env, STOA_HOME: home, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await ready(child);
  const startMs = performance.now() - startedAt;
  return {
    home,
    pid: child.pid as number,
    running: JSON.parse(readFileSync(join(home, 'running.json'), 'utf8')) as Running,
    startMs,
    async stop() {
      await ended(child);
      if (options.home === undefined) await removeHome(home);
    },
  };
}

function ready(child: ChildProcess): Promise<void> {
  let said = '';
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      child.kill('SIGTERM');
      reject(new Error(`the shop was not ready in time:\n${said}`));
    }, START_LIMIT_MS);
    const hear = (chunk: Buffer) => {
      said += chunk.toString();
      if (!said.includes('Stoa is ready')) return;
      clearTimeout(limit);
      resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', (code) => {
      clearTimeout(limit);
      reject(new Error(`the shop ended with ${code}:\n${said}`));
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await exit;
  clearTimeout(force);
}
