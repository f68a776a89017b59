// Free ports on the loopback interface, and what answers on them.

import { connect, createServer } from 'node:net';

const attemptsMax = 5;

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

/** Several different free ports. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === 'object' ? done(address.port) : fail(new Error('no port')),
      );
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
