// The Rollout of a workload: its steps, and the analysis that each must pass. The templates are in
// mesh/components/canary; docs/guides/canary.md tells what each gate means.
import { type Manifest, metadata } from './manifests.ts';
import { CANARY_STEPS, NAMESPACE } from './settings.ts';
import type { Workload } from './workload.ts';

/** Names of the routes whose weights are moved. */
export interface SplitRoutes {
  readonly grpcRoutes: readonly string[];
  readonly httpRoutes: readonly string[];
}

/** What becomes of orders, by version: only the service that decides can tell. */
const OWNER_OF_OUTCOMES = 'orders';

export function rollout(workload: Workload, routes: SplitRoutes): Manifest {
  const { name } = workload;
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: metadata(name, name),
    spec: {
      // `replicas` is the autoscaler's. The Deployment stays the place where pods are described, and makes none itself
      // once the Rollout is healthy.
      workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name, scaleDown: 'onsuccess' },
      revisionHistoryLimit: 5,
      // A canary that is not ready by then is rolled back.
      progressDeadlineSeconds: 300,
      progressDeadlineAbort: true,
      strategy: {
        canary: {
          stableService: `${name}-stable`,
          canaryService: `${name}-canary`,
          maxSurge: 1,
          maxUnavailable: 0,
          // An abort moves the weights at once; calls in flight get this long.
          abortScaleDownDelaySeconds: 30,
          ...trafficRouting(routes),
          analysis: {
            startingStep: 1,
            templates: [{ templateName: 'canary-truth' }],
            args: [versionArg('canary', 'Latest')],
          },
          steps: [...CANARY_STEPS.flatMap((weight) => step(workload, routes, weight)), ...promotion(workload)],
        },
      },
    },
  };
}

function trafficRouting({ grpcRoutes, httpRoutes }: SplitRoutes) {
  if (grpcRoutes.length + httpRoutes.length === 0) return {};
  const named = (names: readonly string[]) => names.map((name) => ({ name, useHeaderRoutes: false }));
  const plugin = {
    namespace: NAMESPACE,
    ...(grpcRoutes.length > 0 ? { grpcRoutes: named(grpcRoutes) } : {}),
    ...(httpRoutes.length > 0 ? { httpRoutes: named(httpRoutes) } : {}),
  };
  return { trafficRouting: { plugins: { 'argoproj-labs/gatewayAPI': plugin } } };
}

/** The database is told first: a pod of a version that it does not know takes part in all background work. */
function step(workload: Workload, routes: SplitRoutes, weight: number): object[] {
  const templates = gates(workload, routes).map((templateName) => ({ templateName }));
  const args = [arg('service', workload.name), versionArg('canary', 'Latest'), versionArg('stable', 'Stable')];
  return [...tell(workload, 'share', String(weight)), { setWeight: weight }, { analysis: { templates, args } }];
}

function gates({ name }: Workload, { grpcRoutes, httpRoutes }: SplitRoutes): string[] {
  return [
    ...(grpcRoutes.length > 0 ? ['canary-calls'] : []),
    ...(httpRoutes.length > 0 ? ['canary-requests'] : []),
    name === OWNER_OF_OUTCOMES ? 'canary-orders' : 'canary-checkout',
  ];
}

/** Before the old pods go, the new ones must be the stable ones to the database: jobs, timers and sending are theirs. */
const promotion = (workload: Workload) => tell(workload, 'promote', '100');

function tell({ name, databases }: Workload, action: 'share' | 'promote', percent: string): object[] {
  if (databases.length === 0) return [];
  const args = [arg('service', name), versionArg('version', 'Latest'), arg('action', action), arg('percent', percent)];
  return [{ analysis: { templates: [{ templateName: 'canary-step' }], args } }];
}

const arg = (name: string, value: string) => ({ name, value });

/** STOA_VERSION of the pods (mesh/components/canary), by which their metrics and their database know them. */
const versionArg = (name: string, of: 'Latest' | 'Stable') => ({ name, valueFrom: { podTemplateHashValue: of } });
