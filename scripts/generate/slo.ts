// Objectives of the shop as burn-rate alerts. Each objective is told once: what is counted and what of it is good; the
// windows and their thresholds are the usual ones (page at 14.4 times the budget over 1 h and 5 min and at 6 times over
// 6 h and 30 min, ticket at 1 time over 3 d and 6 h).
import { type Artefact, kustomization, type Manifest, manifestFile } from './manifests.ts';

interface Objective {
  readonly name: string;
  readonly what: string;
  /** Share of good events that is promised over 30 days. */
  readonly target: number;
  readonly total: (window: string) => string;
  readonly good: (window: string) => string;
}

/** The server's fault. Refusals of what a client asked are answers. */
const FAULTS = 'unknown|deadline_exceeded|unimplemented|internal|unavailable|data_loss';

/** Calls answered without a fault and, where `seconds` is given, in time; it must be a bucket of the histogram. */
function calls(service: string, methods: string, seconds?: string): Pick<Objective, 'total' | 'good'> {
  const labels = `service="stoa.${service}",method=~"${methods}"`;
  const well = `${labels},code!~"${FAULTS}"`;
  const rate = (suffix: string, chosen: string, window: string) =>
    `sum(rate(stoa_rpc_server_seconds_${suffix}{${chosen}}[${window}]))`;
  return {
    total: (window) => rate('count', labels, window),
    good: (window) =>
      seconds === undefined ? rate('count', well, window) : rate('bucket', `${well},le="${seconds}"`, window),
  };
}

const OBJECTIVES: readonly Objective[] = [
  {
    name: 'checkout-accepted',
    // A caller may ask to wait for the outcome, so how long it took says nothing here.
    what: 'PlaceOrder answered without a fault of ours',
    target: 0.999,
    ...calls('orders.v1.OrdersService', 'PlaceOrder'),
  },
  {
    name: 'checkout-decided',
    // Of all that began, also those that never end. A customer whom his bank asks takes longer: they are the budget.
    what: 'checkouts decided within 30 s of being accepted',
    target: 0.95,
    total: (window) => `sum(rate(stoa_saga_started_total{saga="checkout"}[${window}]))`,
    good: (window) => `sum(rate(stoa_saga_seconds_bucket{saga="checkout",le="30"}[${window}]))`,
  },
  {
    name: 'browse',
    what: 'catalog queries answered without a fault within 250 ms',
    target: 0.999,
    ...calls('catalog.v1.CatalogService', 'ListProducts|GetProduct|SearchProducts|ListCategories', '0.25'),
  },
  {
    name: 'order-queries',
    what: 'order queries answered without a fault within 250 ms',
    target: 0.999,
    ...calls('orders.v1.OrdersService', 'GetOrder|ListOrders|GetOrderHistory', '0.25'),
  },
  {
    name: 'sign-in',
    what: 'login and refresh answered without a fault within 500 ms',
    target: 0.999,
    ...calls('identity.v1.IdentityService', 'Login|Refresh', '0.5'),
  },
  {
    name: 'freshness',
    what: 'events applied within 2.5 s of their commit',
    target: 0.995,
    total: (window) => `sum(rate(stoa_inbox_delay_seconds_count[${window}]))`,
    good: (window) => `sum(rate(stoa_inbox_delay_seconds_bucket{le="2.5"}[${window}]))`,
  },
];

interface Alarm {
  readonly severity: 'page' | 'ticket';
  readonly burn: number;
  readonly long: string;
  readonly short: string;
}

const ALARMS: readonly Alarm[] = [
  { severity: 'page', burn: 14.4, long: '1h', short: '5m' },
  { severity: 'page', burn: 6, long: '6h', short: '30m' },
  { severity: 'ticket', burn: 1, long: '3d', short: '6h' },
];
const WINDOWS = ['5m', '30m', '1h', '6h', '3d'];
const SECONDS: Readonly<Record<string, number>> = { '1h': 3600, '6h': 21_600, '3d': 259_200 };
/** In the night one failed call is a large share: an alarm needs this many bad events as well. */
const BAD_EVENTS_MIN = 20;

export function objectives(): Artefact[] {
  const folder = 'mesh/generated/monitoring';
  const rule: Manifest = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'stoa-objectives', labels: { 'app.kubernetes.io/name': 'stoa' } },
    spec: {
      groups: OBJECTIVES.map((objective) => ({
        name: `stoa-${objective.name}`,
        rules: [...WINDOWS.flatMap((window) => recorded(objective, window)), ...ALARMS.map((a) => alert(objective, a))],
      })),
    },
  };
  return [
    manifestFile(`${folder}/objectives.yaml`, 'Objectives and their burn-rate alerts: scripts/generate/slo.ts.', [
      rule,
    ]),
    kustomization(folder, 'Rules for Prometheus.', ['objectives.yaml']),
  ];
}

function recorded({ name, total, good }: Objective, window: string) {
  const labels = { slo: name };
  const ratio = {
    record: `stoa:slo_bad:ratio_rate${window}`,
    expr: `1 - (${good(window)} or vector(0)) / (${total(window)} > 0)`,
    labels,
  };
  const seconds = SECONDS[window];
  if (seconds === undefined) return [ratio];
  const expr = `(${total(window)} - (${good(window)} or vector(0))) * ${seconds}`;
  return [ratio, { record: `stoa:slo_bad:increase${window}`, expr, labels }];
}

function alert({ name, what, target }: Objective, { severity, burn, long, short }: Alarm) {
  const threshold = Number((burn * (1 - target)).toPrecision(3));
  const chosen = `{slo="${name}"}`;
  return {
    alert: 'StoaObjectiveBurning',
    expr: [
      `stoa:slo_bad:ratio_rate${long}${chosen} > ${threshold}`,
      `stoa:slo_bad:ratio_rate${short}${chosen} > ${threshold}`,
      `stoa:slo_bad:increase${long}${chosen} >= ${BAD_EVENTS_MIN}`,
    ].join(' and '),
    labels: { severity, window: long },
    annotations: {
      summary: `${name}: the budget burns ${burn} times too fast over ${long}`,
      description: `Promised: ${what}, ${Number((target * 100).toFixed(2))} % over 30 days.`,
      runbook: 'docs/guides/kubernetes.md#alerts',
    },
  };
}
