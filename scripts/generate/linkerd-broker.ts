// The broker in the mesh: services with topics, consumers or live views reach its client port by their identity, the
// brokers reach each other, and the kubelet reads the broker's health.
import { anyNetwork, authenticationRef, authorization, serverRef } from './linkerd-inbound.ts';
import { type Manifest, metadata, podLabels } from './manifests.ts';
import type { Workload } from './workload.ts';

const NAME = 'nats';
const POLICY = 'policy.linkerd.io';
const GATEWAY = 'gateway.networking.k8s.io';

export function brokerPolicy(workloads: readonly Workload[]): Manifest[] {
  const clients = workloads.filter(({ usesBroker }) => usesBroker).map(({ name }) => name);
  return [...opaquePort('client', clients), ...opaquePort('cluster', [NAME]), ...monitorPort()];
}

/** The server speaks first in NATS' protocol, so the proxy must not look for one. */
function opaquePort(port: string, accounts: readonly string[]): Manifest[] {
  const name = `${NAME}-${port}`;
  return [
    server(port, 'opaque'),
    {
      apiVersion: `${POLICY}/v1alpha1`,
      kind: 'MeshTLSAuthentication',
      metadata: metadata(name, NAME),
      spec: { identityRefs: accounts.map((account) => ({ kind: 'ServiceAccount', name: account })) },
    },
    authorization(name, NAME, serverRef(name), authenticationRef('MeshTLSAuthentication', name)),
  ];
}

function monitorPort(): Manifest[] {
  const name = `${NAME}-probes`;
  return [
    server('monitor', 'HTTP/1'),
    {
      apiVersion: `${GATEWAY}/v1`,
      kind: 'HTTPRoute',
      metadata: metadata(name, NAME),
      spec: {
        parentRefs: [serverRef(`${NAME}-monitor`)],
        rules: [{ matches: [{ method: 'GET', path: { type: 'Exact', value: '/healthz' } }] }],
      },
    },
    anyNetwork(name, NAME),
    authorization(
      name,
      NAME,
      { group: GATEWAY, kind: 'HTTPRoute', name },
      authenticationRef('NetworkAuthentication', name),
    ),
  ];
}

function server(port: string, proxyProtocol: string): Manifest {
  return {
    apiVersion: `${POLICY}/v1beta3`,
    kind: 'Server',
    metadata: metadata(`${NAME}-${port}`, NAME),
    spec: { podSelector: { matchLabels: podLabels(NAME) }, port, proxyProtocol, accessPolicy: 'deny' },
  };
}
