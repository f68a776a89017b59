// The canary's process. It is not started again when it ends: that it ended is what the rollout wants to know.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { forkHost, type HostProcessOptions } from '../infrastructure/host-process.ts';
import type { LogSink } from '../start/console.ts';
import type { Checkout } from './checkout.ts';

const MIGRATE_MS = 120_000;

/** Brings the service's databases up to what the canary needs. Its migrations only add: the stable version goes on. */
export async function migrateFor({ root, main }: Checkout, owners: Readonly<Record<string, string>>): Promise<void> {
  const urls = Object.entries(owners).map(([name, url]) => [`STOA_MIGRATE_URL_${name.toUpperCase()}`, url]);
  const env = { ...process.env, ...Object.fromEntries(urls) };
  try {
    await promisify(execFile)(process.execPath, [main, 'migrate'], { cwd: root, env, timeout: MIGRATE_MS });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error(`its migrations failed: ${stderr?.trim() || message}`);
  }
}

export interface CanaryProcess {
  /** Resolves once it serves; rejects when it ended before. */
  readonly ready: Promise<void>;
  /** Resolves with the reason when it ends without being asked to. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

export function startCanaryProcess(
  { root, main }: Checkout,
  options: Pick<HostProcessOptions, 'home' | 'service' | 'env'>,
  sink: LogSink,
): CanaryProcess {
  const host = forkHost({ ...options, main, cwd: root, onOutput: sink.write });
  let stopping = false;
  const why = host.exited.then(({ code, signal }) => signal ?? `status ${code}`);
  const ready = Promise.race([
    host.ready,
    why.then((reason) => Promise.reject(new Error(`it ended while it was starting (${reason})`))),
  ]);
  ready.catch(() => {});
  return {
    ready,
    ended: why.then((reason) => (stopping ? new Promise<never>(() => {}) : reason)),
    async stop() {
      stopping = true;
      await host.stop();
      await sink.close();
    },
  };
}
