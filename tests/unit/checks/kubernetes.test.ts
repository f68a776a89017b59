// The rules over rendered manifests, each with the mistake that it is there for.
import { describe, expect, it } from 'vitest';
import { documentsOf } from '../../../scripts/checks/documents.ts';
import { linkerdRules, routesByHand } from '../../../scripts/checks/mesh.ts';
import { alertedMetrics, overwrittenLabels } from '../../../scripts/checks/metrics.ts';
import { brokenReferences } from '../../../scripts/checks/references.ts';
import { graceProblems, unreadSettings } from '../../../scripts/checks/settings.ts';
import { skaffoldProblems } from '../../../scripts/checks/skaffold.ts';
import { sample } from './sample.ts';

const SHOP = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: orders }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: stoa-common }
data: { STOA_DRAIN_MS: "10000" }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: orders }
spec:
  template:
    metadata: { labels: { app.kubernetes.io/name: orders } }
    spec:
      serviceAccountName: orders
      terminationGracePeriodSeconds: 30
      containers:
        - name: service
          image: stoa-orders:1
          ports: [{ name: grpc, containerPort: 50051 }]
          envFrom: [{ configMapRef: { name: stoa-common } }, { secretRef: { name: orders } }]
          lifecycle: { preStop: { sleep: { seconds: 5 } } }
---
apiVersion: v1
kind: Service
metadata: { name: orders }
spec:
  selector: { app.kubernetes.io/name: orders }
  ports: [{ name: grpc, port: 50051, targetPort: grpc }]
---
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: { name: orders-grpc }
spec:
  podSelector: { matchLabels: { app.kubernetes.io/name: orders } }
  port: grpc
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: orders, annotations: { timeout.linkerd.io/request: 2s } }
spec:
  parentRefs: [{ group: core, kind: Service, name: orders, port: 50051 }]
  rules: [{ backendRefs: [{ name: orders, port: 50051 }] }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: { name: orders-callers }
spec: { identityRefs: [{ kind: ServiceAccount, name: orders }] }
`;

const secrets = new Map([['orders', undefined]]);
const problems = (text: string) =>
  brokenReferences({ name: 'dev', documents: documentsOf('dev', text), secrets, foreignPods: [] });

describe('references', () => {
  it('hold in a sound environment', () => {
    expect(problems(SHOP)).toEqual([]);
  });

  it.each([
    ['serviceAccountName: orders', 'serviceAccountName: order', 'there is no ServiceAccount/order'],
    ['configMapRef: { name: stoa-common }', 'configMapRef: { name: common }', 'there is no ConfigMap/common'],
    ['secretRef: { name: orders }', 'secretRef: { name: order }', 'nothing makes Secret/order'],
    ['selector: { app.kubernetes.io/name: orders }', 'selector: { app: orders }', 'Service/orders: selects no pods'],
    ['targetPort: grpc', 'targetPort: h2c', 'has no port named h2c'],
    ['  port: grpc\n', '  port: admin\n', 'Server/orders-grpc: Deployment/orders has no port named admin'],
    [
      'matchLabels: { app.kubernetes.io/name: orders }',
      'matchLabels: { app: x }',
      'Server/orders-grpc: selects no pods',
    ],
    [
      'kind: Service, name: orders, port: 50051',
      'kind: Service, name: orders, port: 1',
      'Service/orders has no port 1',
    ],
    ['backendRefs: [{ name: orders,', 'backendRefs: [{ name: order,', 'there is no Service/order'],
    ['kind: ServiceAccount, name: orders', 'kind: ServiceAccount, name: bff', 'there is no ServiceAccount/bff'],
  ])('%s broken to %s are found', (sound, broken, message) => {
    expect(SHOP).toContain(sound);
    expect(problems(SHOP.replace(sound, broken)).join('\n')).toContain(message);
  });
});

describe('a selector by expressions', () => {
  const selecting = (expression: string) =>
    SHOP.replace('matchLabels: { app.kubernetes.io/name: orders }', `matchExpressions: [{ ${expression} }]`);

  it.each([
    'key: app.kubernetes.io/name, operator: In, values: [cart, orders]',
    'key: app.kubernetes.io/name, operator: NotIn, values: [cart]',
    'key: app.kubernetes.io/name, operator: Exists',
    'key: cnpg.io/cluster, operator: DoesNotExist',
  ])('finds its pods: %s', (expression) => {
    expect(problems(selecting(expression))).toEqual([]);
  });

  it.each([
    'key: app.kubernetes.io/name, operator: In, values: [cart]',
    'key: app.kubernetes.io/name, operator: NotIn, values: [orders]',
    'key: cnpg.io/cluster, operator: Exists',
    'key: app.kubernetes.io/name, operator: DoesNotExist',
  ])('that finds none is found: %s', (expression) => {
    expect(problems(selecting(expression)).join()).toContain('Server/orders-grpc: selects no pods');
  });
});

describe('what Linkerd would ignore', () => {
  it.each([
    ['2.5s', 'is no duration'],
    ['2000', 'is no duration'],
    ['2 s', 'is no duration'],
  ])('a timeout of %s', (duration, message) => {
    const text = SHOP.replace('request: 2s', `request: "${duration}"`);
    expect(linkerdRules(documentsOf('dev', text)).join()).toContain(message);
  });

  it('an HTTPRoute beside a GRPCRoute on one port, and a retry on a Service', () => {
    const route = SHOP.split('---')
      .find((part) => part.includes('GRPCRoute'))
      ?.replace('GRPCRoute', 'HTTPRoute');
    const found = linkerdRules(documentsOf('dev', `${SHOP}---${route}`));
    expect(found).toEqual(['Service/orders:50051 has GRPCRoutes and HTTPRoutes: Linkerd ignores the latter']);
    const retried = SHOP.replace(
      'kind: Service\nmetadata: { name: orders }',
      'kind: Service\nmetadata: { name: orders, annotations: { retry.linkerd.io/grpc: unavailable } }',
    );
    expect(linkerdRules(documentsOf('dev', retried)).join()).toContain('would hold for every method');
  });
});

describe('by hand', () => {
  it('no policy is written, but where the list gives a reason', () => {
    const opened = 'apiVersion: policy.linkerd.io/v1alpha1\nkind: AuthorizationPolicy\nmetadata: { name: x }\n';
    const network = 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: y }\n';
    const repository = sample({
      'mesh/components/x/open.yaml': opened,
      'services/orders/k8s/network.yaml': network,
      'mesh/platform/postgres/network-policy.yaml': network,
      'mesh/generated/orders.yaml': opened,
    });
    expect(routesByHand(repository).map(({ path }) => path)).toEqual([
      'mesh/components/x/open.yaml',
      'services/orders/k8s/network.yaml',
    ]);
  });

  it('no route, retry or timeout is written', () => {
    const route = 'apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: { name: x }\n';
    const patch = 'apiVersion: v1\nkind: Service\nmetadata: { name: y, annotations: { retry.linkerd.io/http: 5xx } }\n';
    const repository = sample({
      'mesh/components/x/route.yaml': route,
      'services/orders/k8s/patch.yaml': patch,
      'mesh/generated/orders.yaml': route,
    });
    expect(routesByHand(repository).map(({ path }) => path)).toEqual([
      'mesh/components/x/route.yaml',
      'services/orders/k8s/patch.yaml',
      'services/orders/k8s/patch.yaml',
    ]);
  });
});

describe('settings', () => {
  const setting = { kind: 'integer', help: '', fallback: 1, required: false, min: 0, max: 20_000 } as const;
  const drain = { ...setting, env: 'STOA_DRAIN_MS', secret: false };
  const check = (data: string) =>
    unreadSettings(documentsOf('dev', SHOP.replace('STOA_DRAIN_MS: "10000"', data)), {
      common: [drain, { ...setting, env: 'STOA_KEY', secret: true }],
      own: new Map(),
    });

  it('are read by somebody, in range, and no secrets', () => {
    expect(check('STOA_DRAIN_MS: "10000"')).toEqual([]);
    expect(check('STOA_DRAINMS: "10000"')).toEqual(['ConfigMap/stoa-common: nobody reads STOA_DRAINMS']);
    expect(check('STOA_DRAIN_MS: "10s"')[0]).toContain('must be an integer');
    expect(check('STOA_KEY: x')).toEqual(['ConfigMap/stoa-common: STOA_KEY is a secret']);
  });

  it('leave a pod time to end', () => {
    expect(graceProblems(documentsOf('dev', SHOP))).toEqual([]);
    const short = SHOP.replace('terminationGracePeriodSeconds: 30', 'terminationGracePeriodSeconds: 15');
    expect(graceProblems(documentsOf('dev', short))[0]).toContain('needs 20 s to end');
  });
});

describe('skaffold', () => {
  const environments = [{ name: 'dev', documents: documentsOf('dev', SHOP) }];

  it('builds what the manifests run, and nothing else', () => {
    const skaffold = (image: string) => `build: { artifacts: [{ image: ${image} }] }`;
    expect(skaffoldProblems(skaffold('stoa-orders'), environments)).toEqual([]);
    expect(skaffoldProblems(skaffold('stoa-order'), environments)).toEqual([
      'skaffold.yaml: dev runs stoa-orders, which nothing builds',
      'skaffold.yaml: builds stoa-order, which dev does not run',
    ]);
  });

  it('copies sources only into containers that watch them', () => {
    const text = 'build: { artifacts: [{ image: stoa-orders, sync: { manual: [] } }] }';
    expect(skaffoldProblems(text, environments)).toEqual([
      "skaffold.yaml: stoa-orders is synced, but dev's Deployment/orders has no --watch",
    ]);
    const watching = SHOP.replace('image: stoa-orders:1', 'image: stoa-orders:1\n          args: [--watch, main.ts]');
    expect(skaffoldProblems(text, [{ name: 'dev', documents: documentsOf('dev', watching) }])).toEqual([]);
  });

  it('deploys environments that exist', () => {
    const text =
      'build: { artifacts: [{ image: stoa-orders }] }\nprofiles: [{ name: prod, manifests: { kustomize: { paths: [mesh/environments/prod] } } }]';
    expect(skaffoldProblems(text, environments)).toEqual(['skaffold.yaml: profile prod: there is no environment prod']);
  });
});

describe('alerts', () => {
  it('look at metrics that something exports', () => {
    const rules = 'kind: PrometheusRule\nexpr: rate(stoa_calls_seconds_count[5m]) > 0 and stoa_lag > 1\n';
    const repository = sample({
      'mesh/components/monitoring/rules.yaml': rules,
      'chassis/src/metrics-of-calls.ts': "metrics.observe('calls_seconds', 'help', 1);\n",
    });
    expect(alertedMetrics(repository).map(({ message }) => message)).toEqual([
      'a query for stoa_lag, which nothing exports',
    ]);
  });

  it('group by labels that Prometheus does not overwrite', () => {
    const labels = (path: string, text: string) =>
      overwrittenLabels(sample({ [path]: text })).map(({ line, message }) => `${line}: ${message}`);
    const calls =
      "m.count('runs_total', 'Runs (all)', { job: name });\nm.histogram('a_seconds', '', ['topic', 'pod']);\n";
    expect(labels('chassis/src/a.ts', calls)).toEqual([
      '1: a metric with the label job, which Prometheus overwrites',
      '2: a metric with the label pod, which Prometheus overwrites',
    ]);
    expect(
      labels('chassis/src/a.ts', "m.count('runs_total', 'Runs of a job', { task: job });\nlog({ job });\n"),
    ).toEqual([]);
  });
});
