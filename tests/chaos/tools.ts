// The means of injection: signals, the packet filter, sockets, files. Only processes and ports of the arena are touched.
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Draw, drawFrom } from '../../cli/src/demo/random.ts';

/** Draws that can be told by their seed; what really happens depends on the moment as well. */
export function randomly(fault: string): Draw {
  const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 2 ** 31);
  process.stdout.write(`${fault} draws from CHAOS_SEED=${seed}\n`);
  return drawFrom(seed, 0);
}

export function shuffled<T>(list: readonly T[], draw: Draw): T[] {
  const keyed = list.map((item) => [draw.below(2 ** 31), item] as const);
  return keyed.sort(([a], [b]) => a - b).map(([, item]) => item);
}

export const seconds = (count: number) => sleep(count * 1000);

/** Whoever has ended meanwhile needs no signal any more: the storm before it may have been quicker. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** For so many seconds, and until what must work meanwhile has worked. */
export async function hurting(forSeconds: number, check: () => Promise<unknown>): Promise<void> {
  await Promise.all([seconds(forSeconds), check()]);
}

/** Stops a process and lets it go on after a while, and after what others must do without it; whatever happens. */
export async function freeze(
  pid: number,
  forSeconds: number,
  check: () => Promise<unknown> = async () => {},
): Promise<void> {
  signal(pid, 'SIGSTOP');
  try {
    await hurting(forSeconds, check);
  } finally {
    signal(pid, 'SIGCONT');
  }
}

export function has(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export const needsIptables = () => {
  try {
    execFileSync('iptables', ['-w', '-S', 'OUTPUT'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'iptables is not available';
  }
};

/** Adds a packet filter rule for the time of `body`. */
export async function withRule(rule: readonly string[], body: () => Promise<void>): Promise<void> {
  execFileSync('iptables', ['-w', '-I', ...rule]);
  try {
    await body();
  } finally {
    execFileSync('iptables', ['-w', '-D', ...rule]);
  }
}

/** What one rule of the packet filter takes. */
const PORTS_MAX = 15;

/** Both ends of these connections hear nothing more of each other, and are not told, for the time of `body`. New ones work. */
export async function withDead(connections: readonly Connection[], body: () => Promise<void>): Promise<void> {
  if (connections.length === 0) throw new Error('there is no connection that could go dead');
  const rules = [...Map.groupBy(connections, ({ peerPort }) => peerPort)].flatMap(([peer, group]) => {
    const ports = group.map(({ localPort }) => localPort);
    const chunks = Array.from({ length: Math.ceil(ports.length / PORTS_MAX) }, (_, n) =>
      ports.slice(n * PORTS_MAX, (n + 1) * PORTS_MAX).join(','),
    );
    return chunks.flatMap((local) => [
      ['--dport', peer, '-m', 'multiport', '--sports', local],
      ['--sport', peer, '-m', 'multiport', '--dports', local],
    ]);
  });
  const nested = rules.reduce<() => Promise<void>>(
    (inner, ports) => () => withRule(['OUTPUT', '-o', 'lo', '-p', 'tcp', ...ports, '-j', 'DROP'], inner),
    body,
  );
  await nested();
}

export interface Connection {
  readonly localPort: string;
  readonly peerPort: string;
  readonly pid: number;
}

/** Established TCP connections to a port on the loopback interface, with the process at the near end. */
export function connectionsTo(port: string): Connection[] {
  const lines = execFileSync('ss', ['-Htnp', 'state', 'established', `dport = :${port}`], { encoding: 'utf8' });
  return lines
    .split('\n')
    .map((line) =>
      /127\.0\.0\.1:(\d+)\s+127\.0\.0\.1:(\d+).*pid=(\d+)/.exec(line.replaceAll('[::ffff:127.0.0.1]', '127.0.0.1')),
    )
    .filter((match) => match !== null)
    .map(([, localPort = '', peerPort = '', pid]) => ({ localPort, peerPort, pid: Number(pid) }));
}

/** Cuts one connection: both ends see it reset. */
export function cut({ localPort, peerPort }: Connection): void {
  execFileSync('ss', ['-K', `sport = :${localPort}`, 'and', `dport = :${peerPort}`], { stdio: 'ignore' });
}
