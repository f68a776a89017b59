// The ports that others know: where the BFF listens, and where payments takes webhooks and shows the sandbox's page.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePorts } from '../infrastructure/ports.ts';

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

export interface PaymentsAddress {
  readonly STOA_PAYMENTS_WEBHOOK_PORT: string;
  readonly STOA_PAYMENTS_SANDBOX_PUBLIC_URL: string;
}

/**
 * Where payments' plain HTTP is, unless the environment says so: on the port after the BFF's, so that an address that a
 * customer was given is still right after a restart; on any free one where that is taken.
 */
export async function paymentsAddress(env: NodeJS.ProcessEnv, port: number): Promise<PaymentsAddress> {
  const own = env.STOA_PAYMENTS_WEBHOOK_PORT || String(await freeAfter(port));
  return {
    STOA_PAYMENTS_WEBHOOK_PORT: own,
    STOA_PAYMENTS_SANDBOX_PUBLIC_URL: env.STOA_PAYMENTS_SANDBOX_PUBLIC_URL || `http://localhost:${own}`,
  };
}

async function freeAfter(port: number): Promise<number> {
  const next = port + 1;
  if (port > 0 && next <= 65_535) {
    const isFree = await requireFree(next).then(
      () => true,
      () => false,
    );
    if (isFree) return next;
  }
  const [any] = await freePorts(1, [port]);
  return any as number;
}
