// How long a call may take and whether it may be repeated, as Linkerd enforces it at the calling pod: GRPCRoutes on the
// called Service. Annotations hold for a whole route, so methods are grouped by what they have in common. Never on the
// Service itself: an annotation there would cover every method, writes included.
//
// A Service port with routes answers only what matches one of them, so every method is in exactly one.
import { EventLogService } from '@stoa/proto/stoa/chassis/v1/event_log_pb';
import { grpcMatch } from './linkerd-inbound.ts';
import { type Manifest, metadata } from './manifests.ts';
import type { MethodModel } from './model.ts';
import { PORTS } from './settings.ts';
import type { Workload } from './workload.ts';

const MATCHES_MAX = 8;
/**
 * When nobody served the call, once. Without a mesh the chassis repeats it up to twice, within a budget and behind a breaker
 * (rpc/resilience.ts); a proxy has neither, so two would treble the load of what is down, at every hop.
 */
const RETRIES_MAX = 1;
/**
 * Not `resource-exhausted` (it says: come later), not `deadline-exceeded` (no time is left), not `internal` (a bug is
 * the same the second time), not `cancelled` (nobody waits any more).
 */
const RETRY_ON = 'unavailable';

/** Methods that have one route. */
export interface OutboundGroup {
  readonly route: string;
  readonly methods: readonly MethodModel[];
  readonly annotations: Readonly<Record<string, string>>;
  /** The log of a producer's events, which every service may ask for. */
  readonly isLog: boolean;
}

export function outboundGroups({ name, methods }: Workload): OutboundGroup[] {
  const called = methods.filter(({ callers }) => callers.length > 0);
  return [...Map.groupBy(called, (method) => routeName(name, method))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([route, group]) => ({ route, methods: group, annotations: annotations(group), isLog: group.every(isLog) }));
}

export function outboundRoutes(workload: Workload): Manifest[] {
  const { name } = workload;
  return outboundGroups(workload).map((group) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GRPCRoute',
    metadata: metadata(group.route, name, group.annotations),
    spec: {
      parentRefs: [{ group: 'core', kind: 'Service', name, port: PORTS.grpc }],
      rules: chunks(group.methods.map(grpcMatch)).map((matches) => ({
        matches,
        backendRefs: [{ name, port: PORTS.grpc }],
      })),
    },
  }));
}

const isLog = ({ desc }: MethodModel) => desc.parent.typeName === EventLogService.typeName;

/** A canary splits all routes but those of the log, which are therefore routes of their own. */
function routeName(workload: string, method: MethodModel): string {
  const { deadlineMs, sideEffectFree } = method;
  return `${workload}-${isLog(method) ? 'log-' : ''}${deadlineMs}ms-${sideEffectFree ? 'retried' : 'once'}`;
}

function annotations([first]: readonly MethodModel[]): Record<string, string> {
  if (first === undefined) throw new Error('a group has methods');
  const timeout = { 'timeout.linkerd.io/request': linkerdDuration(first.deadlineMs) };
  if (!first.sideEffectFree) return timeout;
  return { ...timeout, 'retry.linkerd.io/grpc': RETRY_ON, 'retry.linkerd.io/limit': String(RETRIES_MAX) };
}

/** Linkerd reads whole numbers with a unit; anything else only logs and switches the feature off. */
export function linkerdDuration(ms: number): string {
  if (!Number.isInteger(ms) || ms <= 0) throw new Error(`not a duration: ${ms} ms`);
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

export function chunks<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / MATCHES_MAX) }, (_, index) =>
    all.slice(index * MATCHES_MAX, (index + 1) * MATCHES_MAX),
  );
}
