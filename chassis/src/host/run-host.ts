// The entry point of a container: `await runHost([orders])`. Runs until SIGTERM or SIGINT, then drains.
import { ConfigError } from '../config.ts';
import { createLog } from '../log.ts';
import type { AnyService } from './build-service.ts';
import { type Host, startHost } from './host.ts';

/** A second signal, or a drain that takes too long, ends the process at once. */
const FORCE_AFTER_MS = 15_000;

/** Starts the services and keeps the process; exits with status 1 and one clear message when one cannot start. */
export async function runHost(services: readonly AnyService[]): Promise<void> {
  const log = createLog('info');
  let host: Host | undefined;
  let ending = false;

  const end = async (reason: string) => {
    if (ending) process.exit(1);
    ending = true;
    log.info('stopping', { reason });
    setTimeout(() => process.exit(1), FORCE_AFTER_MS).unref();
    await host?.stop();
    log.info('stopped');
    process.exit(0);
  };
  process.on('SIGTERM', () => void end('SIGTERM'));
  // Ctrl-C reaches the whole process group: a supervisor tells us itself, in its order, and that is no second signal.
  const isSupervised = process.send !== undefined;
  process.on('SIGINT', () => isSupervised || void end('SIGINT'));
  // Under a supervisor: nobody would restart, stop or even know a process that outlived it.
  process.on('disconnect', () => void end('the supervisor is gone'));

  try {
    host = await startHost({ services, env: process.env });
    const { grpcPort: grpc, adminPort: admin, httpPorts } = host;
    log.info('ready', {
      service: services.map(({ name }) => name).join(','),
      address: JSON.stringify({ grpc, admin, ...httpPorts }),
    });
    // The supervisor of `npm start -- --split` learns the ports here.
    process.send?.({ kind: 'ready', grpc, admin, http: httpPorts });
  } catch (error) {
    log.error(error instanceof ConfigError ? error.message : `cannot start: ${(error as Error).message}`, { error });
    process.exit(1);
  }
}
