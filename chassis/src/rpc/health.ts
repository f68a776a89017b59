// The standard gRPC health service. The host says what is serving; this only tells it on.
import { Code, ConnectError } from '@connectrpc/connect';
import { Health, HealthCheckResponse_ServingStatus as Status } from '@stoa/proto/grpc/health/v1/health_pb';
import { implement, type RpcService } from './implement.ts';

export interface HealthState {
  /** The name of a gRPC service, or '' for the process as a whole. */
  set(service: string, serving: boolean): void;
  /** Undefined when it was never set. */
  get(service: string): boolean | undefined;
  /** Everything is not serving from now on, whatever `set` says. */
  stop(): void;
  /** Resolves at the next change, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void>;
}

export function createHealthState(): HealthState {
  const services = new Map<string, boolean>();
  const waiting = new Set<() => void>();
  let stopped = false;
  const announce = () => {
    for (const wake of [...waiting]) wake();
  };
  return {
    set(service, serving) {
      const before = services.get(service);
      services.set(service, serving);
      if (before !== serving) announce();
    },
    get(service) {
      const serving = services.get(service);
      return serving === undefined ? undefined : serving && !stopped;
    },
    stop() {
      stopped = true;
      announce();
    },
    changed(signal) {
      return new Promise((resolve) => {
        const wake = () => {
          waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        if (signal.aborted) return resolve();
        waiting.add(wake);
        signal.addEventListener('abort', wake);
      });
    },
  };
}

export function healthService(state: HealthState): RpcService {
  const statusOf = (service: string): Status => {
    const serving = state.get(service);
    if (serving === undefined) return Status.SERVICE_UNKNOWN;
    return serving ? Status.SERVING : Status.NOT_SERVING;
  };
  return implement(Health, {
    check({ service }) {
      const status = statusOf(service);
      if (status === Status.SERVICE_UNKNOWN) throw new ConnectError('unknown service', Code.NotFound);
      return { status };
    },
    async *watch({ service }, { signal }) {
      let told: Status | undefined;
      while (!signal.aborted) {
        // Waiting begins before telling, so that a change in between is not missed.
        const changed = state.changed(signal);
        const status = statusOf(service);
        if (status !== told) yield { status };
        told = status;
        await changed;
      }
    },
  });
}
