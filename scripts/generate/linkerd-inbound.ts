// Who may call what, as Linkerd enforces it at the called pod: a Server for each port that denies, and for each set of
// methods with the same callers a route and the authorization of those callers' service accounts.
//
// A port whose Server has a route of our own loses Linkerd's implicit permission of probes, so those are named as well.
// A Server of protocol gRPC takes GRPCRoutes and ignores rate limits; where the contract states a limit the port is
// HTTP/2 (which gRPC is), whose routes are HTTPRoutes. (linkerd2, policy-controller/grpc/src/inbound.rs)
import { type Manifest, metadata, podLabels } from './manifests.ts';
import type { MethodModel } from './model.ts';
import { CLIENTS_BEHIND_A_CALLER, PLATFORM } from './settings.ts';
import type { Workload } from './workload.ts';

const POLICY = 'policy.linkerd.io';
const GATEWAY = 'gateway.networking.k8s.io';
/** The most matches that the Gateway API allows a rule of a GRPCRoute; HTTPRoutes allow more. */
const MATCHES_MAX = 8;
const RULES_MAX = 16;

type RouteKind = 'GRPCRoute' | 'HTTPRoute';

export function inboundPolicy(workload: Workload): Manifest[] {
  return [
    ...grpcPort(workload),
    ...adminPort(workload),
    ...workload.http.flatMap(({ name }) => openPort(workload, name)),
  ];
}

function grpcPort(workload: Workload): Manifest[] {
  const { name, methods } = workload;
  // Without a method there is still a listener (health, reflection), which nobody is to reach.
  const limited = methods.filter(({ rules }) => rules.rateLimit !== undefined);
  const kind: RouteKind = limited.length > 0 ? 'HTTPRoute' : 'GRPCRoute';
  const protocol = kind === 'HTTPRoute' ? 'HTTP/2' : 'gRPC';
  const sets = Map.groupBy(
    methods.filter(({ callers }) => callers.length > 0),
    ({ callers }) => callers.join(' '),
  );
  const ordered = [...sets.values()].sort((a, b) => (setName(name, a) < setName(name, b) ? -1 : 1));
  return [
    server(workload, 'grpc', protocol),
    ...ordered.flatMap((set) => allowedMethods(name, set, kind)),
    ...(limited.length > 0 ? [rateLimit(name, limited)] : []),
  ];
}

function setName(workload: string, [first]: readonly MethodModel[]): string {
  if (first === undefined) throw new Error('a set has methods');
  return `${workload}-from-${first.rules.callers.has('*') ? 'all' : first.callers.join('-')}`;
}

function allowedMethods(workload: string, methods: readonly MethodModel[], kind: RouteKind): Manifest[] {
  const name = setName(workload, methods);
  const accounts = methods[0]?.callers ?? [];
  return [
    {
      apiVersion: `${GATEWAY}/v1`,
      kind,
      metadata: metadata(name, workload),
      spec: { parentRefs: [serverRef(`${workload}-grpc`)], rules: methodRules(methods, kind) },
    },
    {
      apiVersion: `${POLICY}/v1alpha1`,
      kind: 'MeshTLSAuthentication',
      metadata: metadata(name, workload),
      spec: { identityRefs: accounts.map((account) => ({ kind: 'ServiceAccount', name: account })) },
    },
    authorization(name, workload, { group: GATEWAY, kind, name }, authenticationRef('MeshTLSAuthentication', name)),
  ];
}

function methodRules(methods: readonly MethodModel[], kind: RouteKind) {
  const matches = methods.map((method) => (kind === 'GRPCRoute' ? grpcMatch(method) : httpMatch(method)));
  const rules = Array.from({ length: Math.ceil(matches.length / MATCHES_MAX) }, (_, index) => ({
    matches: matches.slice(index * MATCHES_MAX, (index + 1) * MATCHES_MAX),
  }));
  if (rules.length > RULES_MAX) throw new Error(`too many methods for one route: ${methods.length}`);
  return rules;
}

export function grpcMatch({ desc }: MethodModel) {
  return { method: { type: 'Exact', service: desc.parent.typeName, method: desc.name } };
}

function httpMatch({ path }: MethodModel) {
  return { method: 'POST', path: { type: 'Exact', value: path } };
}

function rateLimit(workload: string, limited: readonly MethodModel[]): Manifest {
  const perClient = limited.reduce((sum, { rules }) => sum + (rules.rateLimit?.perSecond ?? 0), 0);
  return {
    apiVersion: `${POLICY}/v1alpha1`,
    kind: 'HTTPLocalRateLimitPolicy',
    metadata: metadata(`${workload}-grpc`, workload),
    spec: {
      targetRef: { group: POLICY, kind: 'Server', name: `${workload}-grpc` },
      identity: { requestsPerSecond: perClient * CLIENTS_BEHIND_A_CALLER },
    },
  };
}

function adminPort(workload: Workload): Manifest[] {
  const { name } = workload;
  const { prometheus } = PLATFORM;
  const probes = `${name}-probes`;
  const scrape = `${name}-scrape`;
  return [
    server(workload, 'admin', 'HTTP/1'),
    readRoute(probes, name, ['/health/live', '/health/ready']),
    // The kubelet has no mesh identity and no known address. What it may read tells nothing.
    anyNetwork(probes, name),
    authorization(
      probes,
      name,
      { group: GATEWAY, kind: 'HTTPRoute', name: probes },
      authenticationRef('NetworkAuthentication', probes),
    ),
    readRoute(scrape, name, ['/metrics']),
    {
      apiVersion: `${POLICY}/v1alpha1`,
      kind: 'MeshTLSAuthentication',
      metadata: metadata(scrape, name),
      spec: {
        identityRefs: [{ kind: 'ServiceAccount', name: prometheus.serviceAccount, namespace: prometheus.namespace }],
      },
    },
    authorization(
      scrape,
      name,
      { group: GATEWAY, kind: 'HTTPRoute', name: scrape },
      authenticationRef('MeshTLSAuthentication', scrape),
    ),
  ];
}

/** Whoever the ingress lets through. Customers are known by their tokens and providers by their signatures. */
function openPort(workload: Workload, port: string): Manifest[] {
  const name = `${workload.name}-${port}`;
  return [
    server(workload, port, 'HTTP/1'),
    anyNetwork(name, workload.name),
    authorization(name, workload.name, serverRef(name), authenticationRef('NetworkAuthentication', name)),
  ];
}

function server({ name }: Workload, port: string, proxyProtocol: string): Manifest {
  return {
    apiVersion: `${POLICY}/v1beta3`,
    kind: 'Server',
    metadata: metadata(`${name}-${port}`, name),
    spec: { podSelector: { matchLabels: podLabels(name) }, port, proxyProtocol, accessPolicy: 'deny' },
  };
}

function readRoute(name: string, workload: string, paths: readonly string[]): Manifest {
  const matches = paths.map((value) => ({ method: 'GET', path: { type: 'Exact', value } }));
  return {
    apiVersion: `${GATEWAY}/v1`,
    kind: 'HTTPRoute',
    metadata: metadata(name, workload),
    spec: { parentRefs: [serverRef(`${workload}-admin`)], rules: [{ matches }] },
  };
}

export function anyNetwork(name: string, workload: string): Manifest {
  return {
    apiVersion: `${POLICY}/v1alpha1`,
    kind: 'NetworkAuthentication',
    metadata: metadata(name, workload),
    spec: { networks: [{ cidr: '0.0.0.0/0' }, { cidr: '::/0' }] },
  };
}

export function authorization(name: string, workload: string, targetRef: object, required: object): Manifest {
  return {
    apiVersion: `${POLICY}/v1alpha1`,
    kind: 'AuthorizationPolicy',
    metadata: metadata(name, workload),
    spec: { targetRef, requiredAuthenticationRefs: [required] },
  };
}

export function serverRef(name: string) {
  return { group: POLICY, kind: 'Server', name };
}

export function authenticationRef(kind: string, name: string) {
  return { group: POLICY, kind, name };
}
