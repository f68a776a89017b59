// The system under fault: `stoa start --split` as a user starts it, in a home of its own, with handles on every process.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Running } from '../../cli/src/start/home.ts';

const MAIN = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));
const READY_MS = 90_000;
const STOP_MS = 30_000;

export interface Arena {
  readonly home: string;
  readonly url: string;
  readonly databases: Readonly<Record<string, string>>;
  readonly adminUrl: string;
  readonly natsUrl: string;
  /** Process of a service now; changes when the supervisor restarts it. */
  pidOf(service: string): number;
  services(): string[];
  postgresPid(): number;
  natsPid(): number;
  /** JetStream's storage folder. */
  readonly natsStore: string;
  /** Sets failpoints of a service's process; they are gone when it restarts. */
  failpoints(service: string, text: string): Promise<void>;
  /** Resolves when the BFF answers a real query. */
  answers(limitMs: number): Promise<void>;
  stop(): Promise<void>;
}

export interface ArenaOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Where the data goes. @default a new temporary folder */
  readonly home?: string;
}

/** Command lines of all processes, by pid. */
function commands(): Map<number, string> {
  const found = new Map<number, string>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      found.set(Number(entry), readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').trim());
    } catch {
      // Ended meanwhile.
    }
  }
  return found;
}

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function findService(parent: number, service: string): number {
  for (const [pid, command] of commands()) {
    if (command.endsWith(`main.ts host ${service}`) && parentOf(pid) === parent) return pid;
  }
  throw new Error(`no process of ${service} runs`);
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

  const arena: Arena = {
    home,
    url: running.url,
    databases: running.databases,
    adminUrl: running.adminUrl,
    natsUrl: running.natsUrl,
    natsStore: join(realpathSync(home), 'nats', 'store'),
    services: () => [...ports.keys()],
    pidOf: (service) => findService(parent, service),
    postgresPid: () => findCommand((command) => command.includes(` port=${new URL(running.adminUrl).port} `)),
    natsPid: () => findCommand((command) => command.endsWith(join(realpathSync(home), 'nats', 'nats.conf'))),
    async failpoints(service, text) {
      const response = await fetch(`http://127.0.0.1:${ports.get(service)}/failpoints`, { method: 'POST', body: text });
      if (!response.ok) throw new Error(`failpoints of ${service}: ${await response.text()}`);
    },
    async answers(limitMs) {
      for (const until = Date.now() + limitMs; !(await isAnswering(running.url)); await sleep(100)) {
        if (Date.now() > until)
          throw new Error(`the shop does not answer after ${limitMs} ms:\n${output.slice(-2000)}`);
      }
    },
    async stop() {
      shop.kill('SIGTERM');
      const force = setTimeout(() => shop.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(force);
      if (givenHome === undefined) rmSync(home, { recursive: true, force: true });
    },
  };
  return arena;
}

/** The oldest process with such a command line: PostgreSQL's children carry titles of their own. */
function findCommand(matches: (command: string) => boolean): number {
  const pids = [...commands()].filter(([, command]) => matches(`${command} `) || matches(command)).map(([pid]) => pid);
  if (pids.length === 0) throw new Error('the process is not running');
  return Math.min(...pids);
}

async function isAnswering(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ products(first: 1) { edges { node { id } } } paymentMethods { id } }' }),
      signal: AbortSignal.timeout(3000),
    });
    const body = (await response.json()) as { data?: { products?: unknown; paymentMethods?: unknown } };
    return body.data?.products != null && body.data.paymentMethods != null;
  } catch {
    return false;
  }
}

/** Whether a link in /proc says that the process is still there. */
export function isAlive(pid: number): boolean {
  try {
    readlinkSync(`/proc/${pid}/exe`);
    return true;
  } catch {
    return false;
  }
}
