// The rules over canaries, each with the mistake that it is there for.
import { expect, it } from 'vitest';
import { documentsOf } from '../../../scripts/checks/documents.ts';
import { groupsOf } from '../../../scripts/checks/prometheus.ts';
import { rolloutProblems } from '../../../scripts/checks/rollouts.ts';

const CANARY = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: orders }
---
apiVersion: v1
kind: Service
metadata: { name: orders-stable }
---
apiVersion: v1
kind: Service
metadata: { name: orders-canary }
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: split, annotations: { timeout.linkerd.io/request: 2s } }
spec:
  parentRefs: [{ group: core, kind: Service, name: orders, port: 50051 }]
  rules:
    - matches: [{ method: { service: s, method: m } }]
      backendRefs: [{ name: orders-stable, weight: 100 }, { name: orders-canary, weight: 0 }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: pinned, annotations: { timeout.linkerd.io/request: 2s } }
spec:
  parentRefs: [{ group: core, kind: Service, name: orders, port: 50051 }]
  rules:
    - matches: [{ method: { service: s, method: m }, headers: [{ name: pin, value: orders }] }]
      backendRefs: [{ name: orders-canary }]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: orders }
spec: { scaleTargetRef: { apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: orders } }
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: { name: gate }
spec:
  args: [{ name: canary }, { name: address, value: http://prometheus }]
  metrics:
    - name: faults
      provider: { prometheus: { address: "{{args.address}}", query: 'up{version="{{args.canary}}"}' } }
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: orders }
spec:
  workloadRef: { apiVersion: apps/v1, kind: Deployment, name: orders }
  strategy:
    canary:
      stableService: orders-stable
      canaryService: orders-canary
      trafficRouting: { plugins: { argoproj-labs/gatewayAPI: { grpcRoutes: [{ name: split }] } } }
      steps:
        - setWeight: 5
        - analysis: { templates: [{ templateName: gate }], args: [{ name: canary, value: x }] }
        - setWeight: 100
        - analysis: { templates: [{ templateName: canary-step }] }
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: { name: canary-step }
spec: { metrics: [] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: canary-settle }
spec: { template: { spec: { containers: [{ env: [{ name: STOA_DATABASE_URL_ORDERS }] }] } } }
`;

const problems = (text: string) => rolloutProblems(documentsOf('prod', text));

it('a sound canary has no problems', () => {
  expect(problems(CANARY)).toEqual([]);
});

it.each([
  ['metadata: { name: orders-canary }', 'metadata: { name: canary }', 'there is no Service/orders-canary'],
  ['kind: Deployment, name: orders }', 'kind: Deployment, name: order }', 'there is no Deployment/order'],
  ['grpcRoutes: [{ name: split }]', 'grpcRoutes: [{ name: other }]', 'there is no GRPCRoute/other'],
  [
    'grpcRoutes: [{ name: split }]',
    'grpcRoutes: [{ name: pinned }]',
    'GRPCRoute/pinned has a rule that does not split',
  ],
  ['kind: Rollout, name: orders } }', 'kind: Deployment, name: orders } }', 'scales the Deployment under it'],
  ['templateName: gate', 'templateName: gates', 'there is no AnalysisTemplate/gates'],
  ['args: [{ name: canary, value: x }] }', 'args: [] }', 'AnalysisTemplate/gate is not given canary'],
  ['STOA_DATABASE_URL_ORDERS', 'STOA_DATABASE_URL_ORDER', 'canary-settle is not given STOA_DATABASE_URL_ORDERS'],
  ['version="{{args.canary}}"', 'version="{{args.version}}"', 'there is no argument version'],
  ['- setWeight: 100', '- setWeight: 50', 'weights must rise to 100'],
  ['pinned, annotations: { timeout.linkerd.io/request: 2s }', 'pinned', 'differ in timeout or retries'],
])('finds a wrong %s', (right, wrong, problem) => {
  expect(CANARY).toContain(right);
  expect(problems(CANARY.replace(right, wrong)).join('\n')).toContain(problem);
});

it('queries of analyses become rules that promtool reads', () => {
  const template = documentsOf('prod', CANARY).find(({ kind }) => kind === 'AnalysisTemplate');
  expect(template && groupsOf(template)).toEqual([
    { name: 'analysis-gate', rules: [{ record: 'check:gate_faults', expr: 'up{version="canary"}' }] },
  ]);
});
