// The embedded NATS server with JetStream, on the loopback interface and a port of its own. It holds nothing that
// cannot be published again from PostgreSQL; its data is kept all the same, so that a restart is cheap. Its
// configuration is written anew at each start and uses only what NATS 2.9 knows. The caller holds the home's lock.

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningServer, type StartOptions, saysPortInUse, spawnServer, waitUntilReady } from './child.ts';
import { readHostEnvironment } from './environment.ts';
import { type Home, openHome } from './home.ts';
import { findNatsServer } from './nats-binary.ts';
import { firstLine, portTaken, withPort } from './ports.ts';
import { type RunningProcess, stopProcesses } from './processes.ts';

const readyTimeoutMs = 60_000;
const probeTimeoutMs = 1_000;
const maxPayloadBytes = 1024 * 1024;
// SIGTERM stops it at once; lame duck mode would only wait for clients that are ours and know already.
const stopSteps = [
  { signal: 'SIGTERM', waitMs: 10_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] as const;

export async function startNats({ home: path, onProgress, port: wanted }: StartOptions): Promise<RunningServer> {
  const home = openHome(path);
  const command = await findNatsServer(home, readHostEnvironment(), onProgress);
  await stopLeftoverNats(home);
  return withPort(wanted, (port) => launch(home, command, port));
}

/** Stops a server that an earlier run on this home has left running. */
export async function stopLeftoverNats(home: Home): Promise<void> {
  const ours = ({ command }: RunningProcess) => command.endsWith(` --config ${configFile(home)}`);
  await stopProcesses(ours, stopSteps);
}

async function launch(home: Home, command: string, port: number): Promise<RunningServer | typeof portTaken> {
  const name = `stoa-${createHash('sha256').update(home.path).digest('hex').slice(0, 8)}`;
  mkdirSync(home.nats, { recursive: true, mode: 0o700 });
  writeFileSync(configFile(home), configuration(home, name, port));
  const server = await spawnServer({
    command,
    args: ['--config', configFile(home)],
    cwd: home.nats,
    env: {},
    account: undefined,
    logFile: join(home.logs, 'nats.log'),
    stopSteps,
  });
  try {
    await waitUntilReady(server, 'nats-server', readyTimeoutMs, () => isReady(port, name));
  } catch (error) {
    if (saysPortInUse(server)) return portTaken;
    await server.stop();
    throw error;
  }
  return { url: `nats://127.0.0.1:${port}`, pid: server.pid, exited: server.exited, stop: server.stop };
}

function configFile(home: Home): string {
  return join(home.nats, 'nats.conf');
}

function configuration(home: Home, name: string, port: number): string {
  return `# Written by Stoa at each start: changes are lost.
server_name: ${name}
listen: "127.0.0.1:${port}"
max_payload: ${maxPayloadBytes}
jetstream {
  store_dir: ${JSON.stringify(join(home.nats, 'store'))}
}
`;
}

/** By name, so that another server that was given the port meanwhile is not taken for ours. */
async function isReady(port: number, name: string): Promise<boolean> {
  const line = await firstLine(port, probeTimeoutMs);
  if (line === null || !line.startsWith('INFO ')) return false;
  const info = JSON.parse(line.slice('INFO '.length)) as { server_name?: string; jetstream?: boolean };
  return info.server_name === name && info.jetstream === true;
}
