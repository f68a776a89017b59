// The means of injection: signals, the packet filter, sockets, files. Only processes and ports of the arena are touched.
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export const seconds = (count: number) => sleep(count * 1000);

export function signal(pid: number, name: NodeJS.Signals): void {
  process.kill(pid, name);
}

/** Stops a process and lets it go on after a while, whatever happens in between. */
export async function freeze(pid: number, forSeconds: number): Promise<void> {
  signal(pid, 'SIGSTOP');
  try {
    await seconds(forSeconds);
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
