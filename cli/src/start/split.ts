// Each service in a process of its own, supervised: one that dies is started again, on the same ports.
import { fileURLToPath } from 'node:url';
import { signServiceCredential } from '@stoa/chassis/rpc/credentials';
import { forkHost, type HostProcess } from '../infrastructure/host-process.ts';
import { freePorts } from '../infrastructure/ports.ts';
import { serviceNames } from '../load-services.ts';
import { type LogSink, openLogSink } from './console.ts';
import type { Platform } from './platform.ts';
import type { RunningShop } from './running-shop.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const RESTART_MS = { first: 250, max: 4000 };
/** A process that was ready this long is not to blame for its end: its next restart is quick again. */
const HEALTHY_MS = 3000;

interface Supervised {
  readonly name: string;
  readonly ready: Promise<void>;
  /** From now on its end is no accident. */
  letEnd(): void;
  stop(): Promise<void>;
}

interface SuperviseOptions {
  readonly home: string;
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  readonly sink: LogSink;
  readonly onRestart: (name: string, why: string) => void;
}

function supervise({ home, name, env, sink, onRestart }: SuperviseOptions): Supervised {
  let host: HostProcess;
  let stopping = false;
  let failures = 0;
  let restart: NodeJS.Timeout | undefined;
  const { promise: ready, resolve: isReady, reject: cannotStart } = Promise.withResolvers<void>();
  let everReady = false;

  const start = () => {
    let readyAt = Number.POSITIVE_INFINITY;
    host = forkHost({ home, main: MAIN, service: name, env, onOutput: sink.write });
    void host.ready.then(() => {
      readyAt = Date.now();
      everReady = true;
      isReady();
    });
    void host.exited.then(({ code, signal }) => {
      if (stopping) return;
      // A first start that fails is a configuration to be mended, not a crash to be survived.
      if (!everReady && code !== null) return cannotStart(new Error(`${name} cannot start; see logs/${name}.log`));
      failures = Date.now() - readyAt > HEALTHY_MS ? 0 : failures + 1;
      onRestart(name, signal ?? `status ${code}`);
      restart = setTimeout(start, Math.min(RESTART_MS.max, RESTART_MS.first * 2 ** failures));
    });
  };
  start();
  const letEnd = () => {
    stopping = true;
    clearTimeout(restart);
  };

  return {
    name,
    ready,
    letEnd,
    async stop() {
      letEnd();
      await host.stop();
      await sink.close();
    },
  };
}

/** Starts a process for each service and waits until all are ready. */
export async function startSplit(
  platform: Platform,
  env: NodeJS.ProcessEnv,
  /** The BFF's; 0 takes a free one. */
  wanted: number,
  onRestart: SuperviseOptions['onRestart'],
): Promise<RunningShop> {
  const names = serviceNames();
  const [spare, ...ports] = await freePorts(1 + 2 * names.length, [wanted, Number(env.STOA_PAYMENTS_WEBHOOK_PORT)]);
  const port = wanted === 0 ? (spare as number) : wanted;
  const grpc = new Map(names.map((name, index) => [name, ports[index] as number]));
  const admin = new Map(names.map((name, index) => [name, ports[names.length + index] as number]));
  const peers = names.map((name) => `${name}=127.0.0.1:${grpc.get(name)}`).join(',');
  const children: Supervised[] = [];
  const stop = async () => {
    for (const child of children) child.letEnd();
    // The BFF first: nobody should be answered half.
    await children.find(({ name }) => name === 'bff')?.stop();
    await Promise.all(children.filter(({ name }) => name !== 'bff').map((child) => child.stop()));
  };
  try {
    for (const name of names) {
      const own = {
        ...env,
        ...platform.hostEnv,
        PORT: String(port),
        STOA_PEERS: peers,
        STOA_GRPC_PORT: String(grpc.get(name)),
        STOA_ADMIN_PORT: String(admin.get(name)),
        STOA_SERVICE_CREDENTIAL: await signServiceCredential(platform.secrets.credentialSigningKey, [name]),
      };
      const { home } = platform;
      children.push(supervise({ home, name, env: own, sink: openLogSink(home, name, process.stderr), onRestart }));
    }
    await Promise.all(children.map(({ ready }) => ready));
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, addressOf: (name) => `127.0.0.1:${grpc.get(name)}`, adminPorts: Object.fromEntries(admin), stop };
}
