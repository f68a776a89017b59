// A network that is slow: our own proxy stands between the services and a server.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Arena } from '../arena.ts';
import type { Fault } from '../fault.ts';
import { connectionsTo, cut, has, seconds } from '../tools.ts';

const PROXY = fileURLToPath(new URL('../proxy.ts', import.meta.url));
/** Nobody else's connections carry it. */
const PROXY_UID = 64_999;

const needsRedirect = () => {
  try {
    execFileSync('iptables', ['-w', '-t', 'nat', '-S', 'OUTPUT'], { stdio: 'ignore' });
  } catch {
    return 'iptables cannot redirect here';
  }
  if (process.getuid?.() !== 0) return 'only root can redirect connections';
  return has('ss') ? undefined : 'ss (iproute2) is not installed';
};

async function slowed(port: string, forSeconds: number): Promise<void> {
  const proxy = spawn(process.execPath, [PROXY, port], { stdio: ['ignore', 'pipe', 'inherit'], uid: PROXY_UID });
  const ended = once(proxy, 'exit');
  try {
    const [said] = (await once(proxy.stdout, 'data')) as [Buffer];
    const owner = ['-m', 'owner', '!', '--uid-owner', String(PROXY_UID)];
    const target = ['-j', 'REDIRECT', '--to-ports', said.toString().trim()];
    const rule = ['OUTPUT', '-o', 'lo', '-p', 'tcp', '-d', '127.0.0.1', '--dport', port, ...owner, ...target];
    execFileSync('iptables', ['-w', '-t', 'nat', '-I', ...rule]);
    try {
      // Connections that are open already pass the rule by: they have to be made again.
      for (const connection of connectionsTo(port)) if (connection.pid !== proxy.pid) cut(connection);
      await seconds(forSeconds);
    } finally {
      execFileSync('iptables', ['-w', '-t', 'nat', '-D', ...rule]);
    }
  } finally {
    proxy.kill('SIGKILL');
    await ended;
  }
}

const slowNetwork = (id: string, to: string, portOf: (arena: Arena) => string, expectation: string): Fault => ({
  id,
  title: `the network to ${to} slow for 15 s: 50 to 150 ms each way, 1 Mbit/s, 5 % stalls of 1 s`,
  expectation,
  impossible: needsRedirect,
  inject: (arena) => slowed(portOf(arena), 15),
});

export const slow: readonly Fault[] = [
  slowNetwork(
    'F20a',
    'the database',
    ({ adminUrl }) => new URL(adminUrl).port,
    'requests are slow or end by their deadline; nothing is done twice',
  ),
  slowNetwork(
    'F20b',
    'the broker',
    ({ natsUrl }) => new URL(natsUrl).port,
    'orders take longer; nothing is sent more often than deadlines allow',
  ),
];
