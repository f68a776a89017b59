// Who may open a connection to whom, enforced below the mesh: everything is denied, then what the contracts need.
// The mesh decides by identity and method; this holds even for a pod that has escaped its proxy.
//
// Between meshed pods a connection arrives at the port itself, or at the proxy's own port when its protocol is opaque.
import { type Manifest, metadata, podLabels } from './manifests.ts';
import {
  AUDITOR,
  DATABASE_COMMANDS,
  KUBERNETES_CLIENTS,
  OPERATOR,
  OUTSIDE_PORTS,
  PLATFORM,
  PORTS,
  PROXY_PORTS,
} from './settings.ts';
import type { Workload } from './workload.ts';

const tcp = (...ports: readonly number[]) => ports.map((port) => ({ protocol: 'TCP', port }));
const pods = (name: string) => ({ podSelector: { matchLabels: podLabels(name) } });
const namespace = (name: string) => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
});

/** Identity, destinations and policy of the Linkerd control plane. */
const CONTROL_PLANE_PORTS = [8080, 8086, 8090];
/** Outside means outside: not the cluster's own and the provider's networks, metadata servers least of all. */
const PRIVATE_NETWORKS = ['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'];

export function workloadPolicy(workload: Workload, all: readonly Workload[]): Manifest[] {
  const { name } = workload;
  return [
    policy(name, {
      podSelector: { matchLabels: podLabels(name) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: ingressOf(workload),
      egress: egressOf(workload, all),
    }),
  ];
}

function ingressOf({ callers, http }: Workload) {
  return [
    ...(callers.length === 0 ? [] : [{ from: callers.map(pods), ports: tcp(PORTS.grpc, PROXY_PORTS.inbound) }]),
    ...(http.length === 0 ? [] : [{ ports: tcp(...http.map(({ port }) => port), PROXY_PORTS.inbound) }]),
    { from: [namespace(PLATFORM.prometheus.namespace)], ports: tcp(PORTS.admin, PROXY_PORTS.admin) },
  ];
}

function egressOf(workload: Workload, all: readonly Workload[]) {
  const called = all.filter(({ name, callers }) => name !== workload.name && callers.includes(workload.name));
  const outside = [...new Set(workload.services.flatMap(({ name }) => OUTSIDE_PORTS[name] ?? []))].sort(
    (a, b) => a - b,
  );
  return [
    ...(called.length === 0
      ? []
      : [{ to: called.map(({ name }) => pods(name)), ports: tcp(PORTS.grpc, PROXY_PORTS.inbound) }]),
    ...(workload.usesBroker ? [{ to: [pods('nats')], ports: tcp(PORTS.nats, PROXY_PORTS.inbound) }] : []),
    ...(workload.databases.length === 0 ? [] : [{ to: [pods('postgres')], ports: tcp(PORTS.postgres) }]),
    ...(outside.length === 0
      ? []
      : [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: PRIVATE_NETWORKS } }], ports: tcp(...outside) }]),
  ];
}

/** What is not one workload's: the default, names and the mesh for everybody, the broker, the database, the commands. */
export function commonPolicy(workloads: readonly Workload[]): Manifest[] {
  const { dns } = PLATFORM;
  const named = (matches: (workload: Workload) => boolean) => workloads.filter(matches).map(({ name }) => pods(name));
  return [
    policy('default', {
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
      egress: [
        {
          to: [namespace(dns.namespace), ...dns.networks.map((cidr) => ({ ipBlock: { cidr } }))],
          ports: [...dns.ports.map((port) => ({ protocol: 'UDP', port })), ...tcp(...dns.ports)],
        },
        { to: [namespace(PLATFORM.meshNamespace)], ports: tcp(...CONTROL_PLANE_PORTS) },
      ],
    }),
    brokerPolicy(named(({ usesBroker }) => usesBroker)),
    databasePolicy(named(({ databases }) => databases.length > 0)),
    policy(OPERATOR, {
      podSelector: { matchLabels: podLabels(OPERATOR) },
      policyTypes: ['Egress'],
      egress: [
        { to: named(({ callers }) => callers.includes(OPERATOR)), ports: tcp(PORTS.grpc, PROXY_PORTS.inbound) },
        { to: [pods('postgres')], ports: tcp(PORTS.postgres) },
      ],
    }),
    ...DATABASE_COMMANDS.map((name) =>
      policy(name, {
        podSelector: { matchLabels: podLabels(name) },
        policyTypes: name === AUDITOR ? ['Ingress', 'Egress'] : ['Egress'],
        ...(name === AUDITOR
          ? { ingress: [{ from: [namespace(PLATFORM.prometheus.namespace)], ports: tcp(PORTS.admin) }] }
          : {}),
        egress: [
          { to: [pods('postgres')], ports: tcp(PORTS.postgres) },
          ...(KUBERNETES_CLIENTS.includes(name) ? [{ ports: tcp(...PORTS.kubernetes) }] : []),
        ],
      }),
    ),
  ];
}

function brokerPolicy(clients: readonly object[]): Manifest {
  return policy('nats', {
    podSelector: { matchLabels: podLabels('nats') },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      { from: clients, ports: tcp(PORTS.nats, PROXY_PORTS.inbound) },
      { from: [pods('nats')], ports: tcp(PORTS.natsCluster, PROXY_PORTS.inbound) },
      { from: [namespace(PLATFORM.prometheus.namespace)], ports: tcp(PORTS.natsMonitor, PROXY_PORTS.admin) },
    ],
    egress: [{ to: [pods('nats')], ports: tcp(PORTS.natsCluster, PROXY_PORTS.inbound) }],
  });
}

/** Its clients. What CloudNativePG needs among its own is in mesh/platform/postgres: elsewhere there is none. */
function databasePolicy(clients: readonly object[]): Manifest {
  return policy('postgres', {
    podSelector: { matchLabels: podLabels('postgres') },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [...clients, ...[...DATABASE_COMMANDS, OPERATOR].map(pods)], ports: tcp(PORTS.postgres) }],
  });
}

function policy(name: string, spec: object): Manifest {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: metadata(name, name), spec };
}
