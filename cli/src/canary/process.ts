// The canary's process. It is not started again when it ends: that it ended is what the rollout wants to know.
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { promisify } from 'node:util';
import type { LogSink } from '../start/console.ts';
import type { Checkout } from './checkout.ts';

const STOP_MS = 15_000;
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
  service: string,
  env: NodeJS.ProcessEnv,
  sink: LogSink,
): CanaryProcess {
  const child: ChildProcess = fork(main, ['host', service], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  child.stdout?.on('data', (chunk: Buffer) => sink.write(chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => sink.write(chunk.toString()));
  let stopping = false;
  const gone = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `status ${code}`));
  });
  const ready = new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    void gone.then((why) => reject(new Error(`it ended while it was starting (${why})`)));
  });
  ready.catch(() => {});
  return {
    ready,
    ended: gone.then((why) => (stopping ? new Promise<never>(() => {}) : why)),
    async stop() {
      stopping = true;
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
        await gone;
        clearTimeout(force);
      }
      sink.close();
    },
  };
}
