// The one port that others know: where the BFF listens.
import { once } from 'node:events';
import { createServer } from 'node:net';

const DEFAULT_PORT = 4000;

export function readPort(env: NodeJS.ProcessEnv): number {
  const port = Number(env.PORT ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`PORT: "${env.PORT}" is not a port number`);
  return port;
}

/** Throws one sentence when something listens there: better now than when everything else has been started. */
export async function requireFree(port: number): Promise<void> {
  const server = createServer();
  const listening = once(server, 'listening');
  server.listen(port, '127.0.0.1');
  try {
    await listening;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'is already in use' : `cannot be had (${message})`;
    throw new Error(`port ${port} ${why}: stop what uses it, or choose another one with PORT.`);
  }
  await new Promise((done) => server.close(done));
}
