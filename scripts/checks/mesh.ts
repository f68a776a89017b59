// Checks of the generated policy, and of all manifests as far as the mesh is concerned. Linkerd ignores what it cannot
// read, with no more than a line in its log, so what it would ignore has to be found here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './contracts.ts';
import { type Document, documentsOf, listOf, objectOf, textOf } from './documents.ts';
import { type Finding, isGenerated, type Repository } from './repository.ts';
import { root } from './run-tool.ts';

/** What is committed against what the contracts give now. */
export async function generatedPolicy(): Promise<Outcome> {
  const { currentArtefacts, generatedFiles } = await import('../generate/write.ts');
  const all = await currentArtefacts();
  const details = staleFiles(all, (path) => textAt(path), generatedFiles(root));
  return { ok: details.length === 0, note: `${all.length} files`, details };
}

export function staleFiles(
  wanted: readonly { readonly path: string; readonly text: string }[],
  read: (path: string) => string | undefined,
  present: readonly string[],
): string[] {
  const paths = new Set(wanted.map(({ path }) => path));
  const details = [
    ...wanted.flatMap(({ path, text }) => {
      const committed = read(path);
      if (committed === undefined) return [`${path} is missing`];
      return committed === text ? [] : [`${path} is not what the contracts say`];
    }),
    ...present.filter((path) => !paths.has(path)).map((path) => `${path} is not generated from anything`),
  ];
  return details.length === 0 ? [] : [...details, 'run: npm run generate'];
}

function textAt(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
}

/** The generated manifests enforce what the chassis enforces. */
export async function samePolicy(): Promise<Outcome> {
  const [{ loadContracts }, { SERVICES }, equality] = await Promise.all([
    import('../generate/contracts.ts'),
    import('@stoa/cli/services'),
    import('./policy-equality.ts'),
  ]);
  const names = SERVICES.map(({ name }) => name);
  const documents = names.flatMap((name) => {
    const path = `mesh/generated/${name}.yaml`;
    return documentsOf(path, textAt(path) ?? '');
  });
  const runtime = equality.runtimeTable(await loadContracts(), SERVICES);
  const details = equality.differencesOf(runtime, equality.manifestTable(documents));
  return { ok: details.length === 0, note: `${runtime.length} methods`, details };
}

const ROUTE_KINDS = ['HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute', 'ServiceProfile'];
/** Who may reach whom. `gateway.networking.k8s.io` is not meant: its routes are above. */
const POLICY_GROUP = /^(policy\.linkerd\.io|networking\.k8s\.io)\//;
/** By hand all the same, and why. */
const POLICIES_BY_HAND: ReadonlyMap<string, string> = new Map([
  ['mesh/platform/postgres/network-policy.yaml', "what CloudNativePG's pods need is in no contract"],
]);
const BY_HAND = /^(retry|timeout)\.linkerd\.io\//;

/** Routes, retries, timeouts and policy come from the contracts and are therefore in mesh/generated alone. */
export function routesByHand(repository: Repository): Finding[] {
  return handwrittenManifests(repository).flatMap(({ source, apiVersion, kind, name, annotations, all }) => {
    const found = [
      ...(ROUTE_KINDS.includes(kind) ? [`${kind}/${name}: routes are generated`] : []),
      ...(POLICY_GROUP.test(apiVersion) && !POLICIES_BY_HAND.has(source)
        ? [`${kind}/${name}: policy is generated, or listed with a reason in scripts/checks/mesh.ts`]
        : []),
      ...(JSON.stringify(all).match(/(retry|timeout)\.linkerd\.io\/[\w-]+/g) ?? []).map(
        (key) => `${kind}/${name}: ${key} is generated, from the method's policy`,
      ),
      ...Object.keys(annotations)
        .filter((key) => BY_HAND.test(key) && kind === 'Service')
        .map((key) => `${kind}/${name}: ${key} would hold for every method`),
    ];
    return [...new Set(found)].map((message) => ({ path: source, message }));
  });
}

function handwrittenManifests({ texts }: Repository): Document[] {
  return [...texts].flatMap(([path, text]) => {
    const isManifest = /^(mesh|services\/[^/]+\/k8s|bff\/k8s)\/.*\.ya?ml$/.test(path) && !isGenerated(path);
    return isManifest ? documentsOf(path, text) : [];
  });
}

const DURATION = /^(0|\d+(ms|s|m|h|d))$/;
const DURATIONS = [
  'timeout.linkerd.io/request',
  'timeout.linkerd.io/response',
  'timeout.linkerd.io/idle',
  'retry.linkerd.io/timeout',
  'balancer.linkerd.io/failure-accrual-consecutive-min-penalty',
  'balancer.linkerd.io/failure-accrual-consecutive-max-penalty',
];
const GRPC_CONDITION = /^(cancelled|deadline-exceeded|internal|resource-exhausted|unavailable)$/;

/** Annotations in the form that Linkerd parses, and one kind of route for each port of a Service. */
export function linkerdRules(documents: readonly Document[]): string[] {
  return [...documents.flatMap(annotationProblems), ...mixedRoutes(documents)];
}

function annotationProblems({ source, kind, name, annotations }: Document): string[] {
  const at = `${source} ${kind}/${name}`;
  return Object.entries(annotations).flatMap(([key, value]) => {
    if (DURATIONS.includes(key) && !DURATION.test(value))
      return [`${at}: ${key}: "${value}" is no duration to Linkerd`];
    if (key === 'retry.linkerd.io/limit' && !/^[1-9]\d?$/.test(value))
      return [`${at}: ${key}: "${value}" is no number`];
    if (key === 'retry.linkerd.io/grpc' && !value.split(',').every((part) => GRPC_CONDITION.test(part))) {
      return [`${at}: ${key}: "${value}" names no gRPC condition that Linkerd knows`];
    }
    if (kind === 'Service' && BY_HAND.test(key)) return [`${at}: ${key} would hold for every method, writes included`];
    return [];
  });
}

function mixedRoutes(documents: readonly Document[]): string[] {
  const kinds = new Map<string, Set<string>>();
  for (const { kind, spec } of documents) {
    if (kind !== 'HTTPRoute' && kind !== 'GRPCRoute') continue;
    for (const parent of listOf(spec.parentRefs).map(objectOf)) {
      const port = `${textOf(parent.kind) || 'Gateway'}/${textOf(parent.name)}:${parent.port ?? '*'}`;
      kinds.set(port, (kinds.get(port) ?? new Set()).add(kind));
    }
  }
  return [...kinds]
    .filter(([, found]) => found.size > 1)
    .map(([port]) => `${port} has GRPCRoutes and HTTPRoutes: Linkerd ignores the latter`);
}
