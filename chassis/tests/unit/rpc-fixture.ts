// A clock that stands still until told, and a dispatcher with nothing in it but what the test gives.
import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient } from '@connectrpc/connect';
import { createLog } from '../../src/log.ts';
import { type Authenticate, createDispatcher } from '../../src/rpc/dispatcher.ts';
import type { RpcHooks } from '../../src/rpc/hooks.ts';
import { implement, type RpcService } from '../../src/rpc/implement.ts';
import { createInProcessTransport } from '../../src/rpc/in-process-transport.ts';
import type { Clock, Random } from '../../src/runtime.ts';

export interface ManualClock extends Clock {
  /** Moves time on and lets everything that was waiting for it run. */
  advance(ms: number): Promise<void>;
}

export function manualClock(startAt = Date.UTC(2026, 0, 1)): ManualClock {
  let elapsed = 0;
  const sleepers = new Set<{ until: number; wake: () => void }>();
  return {
    now: () => new Date(startAt + elapsed),
    monotonicMs: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = { until: elapsed + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => resolve());
      }),
    async advance(ms) {
      elapsed += ms;
      for (const sleeper of [...sleepers]) {
        if (sleeper.until > elapsed) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
      await settle();
    },
  };
}

/** Lets promises and immediates that are ready run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function countingRandom(): Random {
  let next = 0;
  return { below: () => 0, bytes: (length) => Uint8Array.from({ length }, () => next++ % 256) };
}

/** Handlers of some methods of a service; the others answer Unimplemented. */
export function partly<S extends DescService>(service: S, handlers: object): RpcService {
  return implement(service, handlers as never);
}

export const asTransport: Authenticate = (call) => ({
  services: call.service === undefined ? [] : [call.service],
  user: undefined,
  token: undefined,
});

export interface Served<S extends DescService> {
  readonly client: Client<S>;
  readonly clock: ManualClock;
  readonly logged: string[];
}

/** A client in the same process, calling as `caller`. */
export function serve<S extends DescService>(
  service: S,
  handlers: object,
  options: { caller?: string; hooks?: RpcHooks; authenticate?: Authenticate } = {},
): Served<S> {
  const clock = manualClock();
  const logged: string[] = [];
  const dispatcher = createDispatcher({
    services: [partly(service, handlers)],
    authenticate: options.authenticate ?? asTransport,
    hooks: options.hooks ?? {},
    clock,
    random: countingRandom(),
    log: createLog('info', { write: (line) => logged.push(line) }),
  });
  const transport = createInProcessTransport(dispatcher, options.caller ?? 'bff');
  return { client: createClient(service, transport), clock, logged };
}
