// Progressive delivery: for each workload a stable and a canary Service, the routes that split calls between them, and
// the Rollout that moves the weights. The split routes are the ordinary ones with other backends: they are patches of
// those, so a timeout or a retry cannot differ. The pinned routes repeat the ordinary annotations; the check compares.
//
// A pin is a route of its own and not the plugin's `setHeaderRoute`: the plugin writes that for the first rule of a
// GRPCRoute only, and would set the weight of any rule that it finds its canary Service in.
import { CANARY as CANARY_HEADER } from '@stoa/chassis/rpc/headers';
import { grpcMatch } from './linkerd-inbound.ts';
import { chunks, type OutboundGroup, outboundGroups } from './linkerd-outbound.ts';
import { type Artefact, dataFile, type Manifest, manifestFile, metadata, podLabels } from './manifests.ts';
import type { HttpPort } from './model.ts';
import { rollout } from './rollout.ts';
import { PORTS } from './settings.ts';
import type { Workload } from './workload.ts';

const FOLDER = 'mesh/generated/canary';
/** The port that storefronts use; what is received at other ones (webhooks) goes to both versions alike. */
const SPLIT_HTTP_PORT = 'http';

export function canaryArtefacts(workloads: readonly Workload[]): Artefact[] {
  const patched = workloads.filter((workload) => patches(workload).length > 0);
  return [
    ...workloads.map((workload) =>
      manifestFile(
        `${FOLDER}/${workload.name}.yaml`,
        `${workload.name}: stable and canary, and how a new version takes over.`,
        [
          ...services(workload),
          ...pinnedRoutes(workload),
          ...httpRoutes(workload),
          rollout(workload, splitRoutes(workload)),
        ],
      ),
    ),
    ...patched.map((workload) =>
      manifestFile(
        `${FOLDER}/${workload.name}-split.yaml`,
        `Calls to ${workload.name} by weight. Argo Rollouts owns the weights; these are those of no rollout.`,
        patches(workload),
      ),
    ),
    dataFile(`${FOLDER}/kustomization.yaml`, 'Canaries of all services, over mesh/generated.', {
      apiVersion: 'kustomize.config.k8s.io/v1alpha1',
      kind: 'Component',
      resources: workloads.map(({ name }) => `${name}.yaml`).sort(),
      patches: patched.map(({ name }) => ({ path: `${name}-split.yaml` })).sort((a, b) => (a.path < b.path ? -1 : 1)),
    }),
  ];
}

const stable = (name: string) => `${name}-stable`;
const canary = (name: string) => `${name}-canary`;

/** Names of the routes whose weights a Rollout moves, by kind as the plugin's configuration has them. */
function splitRoutes(workload: Workload) {
  const grpc = outboundGroups(workload).filter(({ isLog }) => !isLog);
  return {
    grpcRoutes: grpc.map(({ route }) => route),
    httpRoutes: splitPorts(workload).map(() => httpRoute(workload)),
  };
}

const httpRoute = ({ name }: Workload) => `${name}-http`;
const splitPorts = ({ http }: Workload): readonly HttpPort[] => http.filter(({ name }) => name === SPLIT_HTTP_PORT);

/** Argo Rollouts narrows their selectors to the pods of one version each. */
function services(workload: Workload): Manifest[] {
  const { name } = workload;
  const http = splitPorts(workload).map((port) => ({
    name: port.name,
    port: port.port,
    targetPort: port.name,
    appProtocol: 'http',
  }));
  const grpc = { name: 'grpc', port: PORTS.grpc, targetPort: 'grpc', appProtocol: 'kubernetes.io/h2c' };
  return [stable(name), canary(name)].map((each) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(each, name),
    spec: { selector: podLabels(name), ports: http.length > 0 ? http : [grpc] },
  }));
}

/** Without a rollout all is stable's. */
const weighted = (name: string, port: number) => [
  { name: stable(name), port, weight: 100 },
  { name: canary(name), port, weight: 0 },
];

function patches(workload: Workload): Manifest[] {
  const { name } = workload;
  return outboundGroups(workload).map(({ route, methods, isLog }) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GRPCRoute',
    metadata: { name: route },
    spec: {
      rules: chunks(methods.map(grpcMatch)).map((matches) => ({
        matches,
        // A producer's log is asked for at the stable version, whoever asks.
        backendRefs: isLog ? [{ name: stable(name), port: PORTS.grpc }] : weighted(name, PORTS.grpc),
      })),
    },
  }));
}

const pins = (name: string) =>
  [name, 'always'].map((value) => ({ headers: [{ type: 'Exact', name: CANARY_HEADER, value }] }));

function pinnedRoutes(workload: Workload): Manifest[] {
  const { name } = workload;
  return outboundGroups(workload)
    .filter(({ isLog }) => !isLog)
    .map(({ route, methods, annotations }: OutboundGroup) => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'GRPCRoute',
      metadata: metadata(`${route}-pinned`, name, annotations),
      spec: {
        parentRefs: [{ group: 'core', kind: 'Service', name, port: PORTS.grpc }],
        rules: pins(name).flatMap((pin) =>
          chunks(methods.map(grpcMatch)).map((matches) => ({
            matches: matches.map((match) => ({ ...match, ...pin })),
            backendRefs: [{ name: canary(name), port: PORTS.grpc }],
          })),
        ),
      },
    }));
}

/** For who comes through a meshed ingress. No timeout: event streams stay open. */
function httpRoutes(workload: Workload): Manifest[] {
  const { name } = workload;
  return splitPorts(workload).flatMap(({ port }) => {
    const parentRefs = [{ group: 'core', kind: 'Service', name, port }];
    const route = (routeName: string, rules: readonly object[]): Manifest => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: metadata(routeName, name),
      spec: { parentRefs, rules },
    });
    return [
      route(httpRoute(workload), [{ backendRefs: weighted(name, port) }]),
      route(`${httpRoute(workload)}-pinned`, [{ matches: pins(name), backendRefs: [{ name: canary(name), port }] }]),
    ];
  });
}
