// The system under fault: `stoa start --split` as a user starts it, in a home of its own, with handles on every process.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Running } from '../../cli/src/start/home.ts';
import { findProcess } from './processes.ts';

const MAIN = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));
const READY_MS = 90_000;
const STOP_MS = 30_000;

export interface Arena {
  readonly home: string;
  readonly url: string;
  readonly databases: Readonly<Record<string, string>>;
  readonly adminUrl: string;
  readonly natsUrl: string;
  /** Process of a service now; waits for the supervisor when it has just ended. */
  pidOf(service: string): Promise<number>;
  services(): string[];
  postgresPid(): Promise<number>;
  natsPid(): Promise<number>;
  /** JetStream's storage folder. */
  readonly natsStore: string;
  /** Sets failpoints of a service's process; they are gone when it restarts. */
  failpoints(service: string, text: string): Promise<void>;
  /** Resolves when every service says that it is ready; throws which ones do not within the limit. */
  ready(limitMs: number): Promise<void>;
  /** Clears the failpoints of every service. */
  disarm(): Promise<void>;
  stop(): Promise<void>;
}

export interface ArenaOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Where the data goes. @default a new temporary folder */
  readonly home?: string;
}

export async function openArena({ env = {}, home: givenHome }: ArenaOptions = {}): Promise<Arena> {
  const home = givenHome ?? mkdtempSync(join(tmpdir(), 'stoa-chaos-'));
  let output = '';
  const shop: ChildProcess = spawn(process.execPath, [MAIN, 'start', '--split'], {
    env: { ...process.env, ...env, STOA_HOME: home, PORT: '0', STOA_FAILPOINTS: 'none' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
  };
  shop.stdout?.on('data', collect);
  shop.stderr?.on('data', collect);
  const ended = new Promise<void>((resolve) => shop.once('exit', () => resolve()));
  const note = join(home, 'running.json');
  for (const until = Date.now() + READY_MS; !existsSync(note) || !output.includes('is ready'); await sleep(100)) {
    if (shop.exitCode !== null || Date.now() > until) throw new Error(`the shop did not start:\n${output}`);
  }
  const running = JSON.parse(readFileSync(note, 'utf8')) as Running;
  const ports = new Map([...output.matchAll(/(\w+) :(\d+)/g)].map(([, name = '', port]) => [name, Number(port)]));
  const parent = shop.pid as number;

  const setFailpoints = async (service: string, text: string) => {
    const response = await fetch(`http://127.0.0.1:${ports.get(service)}/failpoints`, { method: 'POST', body: text });
    if (!response.ok) throw new Error(`failpoints of ${service}: ${await response.text()}`);
  };
  return {
    home,
    url: running.url,
    databases: running.databases,
    adminUrl: running.adminUrl,
    natsUrl: running.natsUrl,
    natsStore: join(realpathSync(home), 'nats', 'store'),
    services: () => [...ports.keys()],
    pidOf: (service) => findProcess(service, (command) => command.endsWith(`main.ts host ${service}`), parent),
    postgresPid: () =>
      findProcess(
        'PostgreSQL',
        (command) => `${command} `.includes(` port=${new URL(running.adminUrl).port} `),
        parent,
      ),
    natsPid: () =>
      findProcess('NATS', (command) => command.endsWith(join(realpathSync(home), 'nats', 'nats.conf')), parent),
    failpoints: setFailpoints,
    async ready(limitMs) {
      let waiting = [...ports];
      for (const until = Date.now() + limitMs; ; await sleep(100)) {
        const answers = await Promise.all(waiting.map(([, port]) => isReady(port)));
        waiting = waiting.filter((_, index) => !answers[index]);
        if (waiting.length === 0) return;
        if (Date.now() > until) {
          const names = waiting.map(([name]) => name).join(', ');
          throw new Error(`not ready after ${limitMs / 1000} s: ${names}\n${output.slice(-2000)}`);
        }
      }
    },
    disarm: async () => void (await Promise.all([...ports.keys()].map((service) => setFailpoints(service, 'none')))),
    async stop() {
      shop.kill('SIGTERM');
      const force = setTimeout(() => shop.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(force);
      if (givenHome === undefined) rmSync(home, { recursive: true, force: true });
    },
  };
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(3000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
