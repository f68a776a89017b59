// Free ports on the loopback interface, and what answers on them.

import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';

const attemptsMax = 5;
const lowestPort = 10_000;

/** Told by a start that lost its port to another process between the choice and the bind. */
export const portTaken = Symbol('port taken');

/** Runs `start` with the wanted port, or a free one, and again when somebody else was quicker. */
export async function withPort<T>(
  wanted: number | undefined,
  start: (port: number) => Promise<T | typeof portTaken>,
): Promise<T> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const started = await start(wanted ?? (await freePort()));
    if (started !== portTaken) return started;
  }
  throw new Error(`${wanted ?? 'No free port'} on 127.0.0.1 could not be had in ${attemptsMax} attempts.`);
}

/** Several different free ports, none of them in `except`. */
export async function freePorts(count: number, except: readonly number[] = []): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = await freePort();
    if (!except.includes(port)) ports.add(port);
  }
  return [...ports];
}

/**
 * Below those that the system gives to outgoing connections: such a one could take the port between its choice and its
 * use, or while the server that it was chosen for is being started again.
 */
async function freePort(): Promise<number> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const port = await bound(randomInt(lowestPort, firstOutgoingPort()));
    if (port !== undefined) return port;
  }
  const any = await bound(0);
  if (any === undefined) throw new Error('No free port on 127.0.0.1.');
  return any;
}

function firstOutgoingPort(): number {
  try {
    return Math.max(
      lowestPort + 1,
      Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10),
    );
  } catch {
    // Where it cannot be read: IANA's.
    return 49_152;
  }
}

/** The port, if it could be listened on: 0 asks for any. */
function bound(port: number): Promise<number | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(undefined));
    server.listen(port, '127.0.0.1', () => {
      const { port: got } = server.address() as AddressInfo;
      server.close(() => done(got));
    });
  });
}

/** The first line a server says on connecting; null when nothing (complete) comes within the time. */
export function firstLine(port: number, timeoutMs: number): Promise<string | null> {
  return new Promise((done) => {
    let received = '';
    const socket = connect(port, '127.0.0.1');
    const finish = (line: string | null) => {
      socket.destroy();
      done(line);
    };
    socket.setTimeout(timeoutMs, () => finish(null));
    socket.setEncoding('utf8');
    socket.on('error', () => finish(null));
    socket.on('close', () => finish(null));
    socket.on('data', (chunk: string) => {
      received += chunk;
      const end = received.indexOf('\n');
      if (end >= 0) finish(received.slice(0, end).trim());
    });
  });
}
