// Where metrics and tracing attach to the chain of a call, without the chain knowing either.
import { Code } from '@connectrpc/connect';
import type { Metrics } from '../metrics.ts';
import type { Caller } from './caller.ts';
import type { Route } from './routes.ts';

/** 0 is success, else a Connect code; the numbers are gRPC's. */
export type Outcome = 0 | Code;

/** A span of a tracing library around one call. */
export interface RpcSpan {
  /** What this call hands on to the calls and events that it causes. */
  readonly traceparent: string;
  /** Runs the handler with the span as the current one. */
  run<T>(body: () => T): T;
  end(outcome: Outcome): void;
}

export interface RpcHooks {
  started?(route: Route): void;
  /** `caller` is undefined when the call was refused before its caller was known. */
  finished?(route: Route, outcome: Outcome, seconds: number, caller: Caller | undefined): void;
  /** Replaces the built-in trace context by a tracing library's span. `parent` is the caller's traceparent, if any. */
  span?(route: Route, parent: string | undefined): RpcSpan | undefined;
}

const CODE_NAMES = new Map<Outcome, string>([[0, 'ok']]);
for (const [name, code] of Object.entries(Code)) {
  if (typeof code === 'number') CODE_NAMES.set(code, name.replace(/(?<=.)[A-Z]/g, '_$&').toLowerCase());
}

/** 'ok', 'not_found', ... as it stands in metrics and logs. */
export function outcomeName(outcome: Outcome): string {
  return CODE_NAMES.get(outcome) ?? 'unknown';
}

/** Records `rpc_server_seconds{service,method,code}`. */
export function metricHooks(metrics: Metrics): RpcHooks {
  const histogram = metrics.histogram('rpc_server_seconds', 'Time a server took to answer a call', [
    'service',
    'method',
    'code',
  ]);
  // The label child is resolved once for each route and outcome; the array is indexed by the code (0 to 16).
  const observers = new WeakMap<Route, ((seconds: number) => void)[]>();
  return {
    finished(route, outcome, seconds) {
      let byCode = observers.get(route);
      if (byCode === undefined) {
        byCode = [];
        observers.set(route, byCode);
      }
      byCode[outcome] ??= histogram.labels(route.service.typeName, route.method.name, outcomeName(outcome));
      byCode[outcome](seconds);
    },
  };
}
