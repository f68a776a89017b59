// The system under fault: `stoa start --split` as a user starts it, in a home of its own, with handles on every process.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { clearData } from '../../cli/src/infrastructure/clear-data.ts';
import type { Running } from '../../cli/src/start/home.ts';
import { type BrokerLink, LINK_PRELOAD, openBrokerLink } from './broker-link.ts';
import { CLOCK_PRELOAD, clockLibrary, createServiceClock, type ServiceClock } from './clocks.ts';
import { type Disks, mountDisks, unmountDisks } from './disks.ts';
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
  /** Services' gRPC addresses by name. */
  readonly addresses: Readonly<Record<string, string>>;
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
  /** Runs a `stoa` command on this shop, as an operator does; what it printed. Throws when it fails. */
  operate(...args: string[]): Promise<string>;
  /** Folders on small disks of their own that may be filled; undefined where none can be mounted. */
  readonly disks: Disks | undefined;
  /** The clock of one service; undefined where it cannot be set. */
  readonly clock: ServiceClock | undefined;
  /** The way between one service and the broker; undefined when it was not asked for. */
  readonly link: BrokerLink | undefined;
  stop(): Promise<void>;
}

export interface ArenaOptions {
  /** PostgreSQL's and NATS's data on small file systems in memory. @default false */
  readonly withDisks?: boolean;
  /** The clock of one service can be set. @default false */
  readonly withClock?: boolean;
  /** One service reaches the broker by a proxy. @default false */
  readonly withLink?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Where the data goes. @default a new temporary folder */
  readonly home?: string;
}

export async function openArena(options: ArenaOptions = {}): Promise<Arena> {
  const { env = {}, home: givenHome, withDisks = false, withClock = false, withLink = false } = options;
  const home = givenHome ?? mkdtempSync(join(tmpdir(), 'stoa-chaos-'));
  // PostgreSQL runs as another user than root: it has to reach what is mounted below.
  chmodSync(home, 0o755);
  const disks = withDisks ? mountDisks(home) : undefined;
  const library = withClock ? clockLibrary() : undefined;
  const clock = library === undefined ? undefined : createServiceClock(library);
  const link = withLink ? await openBrokerLink() : undefined;
  const preloads = [...(clock === undefined ? [] : [CLOCK_PRELOAD]), ...(link === undefined ? [] : [LINK_PRELOAD])];
  const preloading =
    preloads.length === 0 ? {} : { NODE_OPTIONS: preloads.map((file) => `--import=${file}`).join(' ') };
  // Packet filters and connection killers see TCP alone.
  const { shop, ended, output } = await startShop(home, {
    STOA_EMBEDDED_POSTGRES: 'tcp',
    ...env,
    ...preloading,
    ...clock?.env,
    ...link?.env,
  });
  const running = JSON.parse(readFileSync(join(home, 'running.json'), 'utf8')) as Running;
  const ports = new Map([...output().matchAll(/(\w+) :(\d+)/g)].map(([, name = '', port]) => [name, Number(port)]));
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
    addresses: running.addresses,
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
          throw new Error(`not ready after ${limitMs / 1000} s: ${names}\n${output().slice(-2000)}`);
        }
      }
    },
    disarm: async () => void (await Promise.all([...ports.keys()].map((service) => setFailpoints(service, 'none')))),
    async operate(...args) {
      const environment = { ...process.env, STOA_HOME: home };
      const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args], { env: environment });
      return stdout;
    },
    disks,
    clock,
    link,
    async stop() {
      shop.kill('SIGTERM');
      const force = setTimeout(() => shop.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(force);
      link?.close();
      if (disks !== undefined) unmountDisks(disks);
      await clearData(home);
      if (givenHome === undefined) rmSync(home, { recursive: true, force: true });
    },
  };
}

interface StartedShop {
  readonly shop: ChildProcess;
  readonly ended: Promise<void>;
  /** What it has said so far. */
  readonly output: () => string;
}

/** Ports are free when they are chosen; somebody else on the machine may take one before its service does. */
const STARTS_MAX = 3;

async function startShop(home: string, env: Readonly<Record<string, string>>, start = 1): Promise<StartedShop> {
  let said = '';
  const shop = spawn(process.execPath, [MAIN, 'start', '--split'], {
    env: { ...process.env, ...env, STOA_HOME: home, PORT: '0', STOA_FAILPOINTS: 'none' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [shop.stdout, shop.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  const ended = new Promise<void>((resolve) => shop.once('exit', () => resolve()));
  const isUp = () => existsSync(join(home, 'running.json')) && said.includes('is ready');
  for (const until = Date.now() + READY_MS; !isUp(); await sleep(100)) {
    if (shop.exitCode === null && Date.now() < until) continue;
    shop.kill('SIGKILL');
    await ended;
    if (said.includes('is already in use') && start < STARTS_MAX) return startShop(home, env, start + 1);
    throw new Error(`the shop did not start:\n${said}`);
  }
  return { shop, ended, output: () => said };
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
