// What one object of an environment says of another must be true: a name that nothing has is accepted by the API server
// and fails at run time, or silently does nothing.
import { type Document, type Json, listOf, objectOf, podTemplateOf, textOf } from './documents.ts';

export interface Environment {
  readonly name: string;
  readonly documents: readonly Document[];
  /** Secrets that are made elsewhere, with their keys where these are known. */
  readonly secrets: ReadonlyMap<string, ReadonlySet<string> | undefined>;
  /** Values of `app.kubernetes.io/name` whose pods are made elsewhere (an operator's, or by hand). */
  readonly foreignPods: readonly string[];
}

interface Pods {
  readonly owner: string;
  readonly labels: Json;
  readonly spec: Json;
}

export function brokenReferences(environment: Environment): string[] {
  const { name, documents } = environment;
  const pods = documents.flatMap((document): Pods[] => {
    const template = podTemplateOf(document);
    if (template === undefined) return [];
    const labels = objectOf(objectOf(template.metadata).labels);
    return [{ owner: `${document.kind}/${document.name}`, labels, spec: objectOf(template.spec) }];
  });
  const found = [
    ...pods.flatMap((each) => podReferences(each, environment)),
    ...documents.flatMap((document) => selectorReferences(document, pods, environment)),
    ...documents.flatMap((document) => policyReferences(document, documents)),
  ];
  return found.map((message) => `${name}: ${message}`);
}

function podReferences({ owner, spec }: Pods, { documents, secrets }: Environment): string[] {
  const containers = [...listOf(spec.initContainers), ...listOf(spec.containers)].map(objectOf);
  const sources = containers.flatMap(({ env, envFrom }) => [
    ...listOf(envFrom).map(objectOf),
    ...listOf(env).map((each) => objectOf(objectOf(each).valueFrom)),
  ]);
  const volumes = listOf(spec.volumes)
    .map(objectOf)
    .flatMap((volume) => [volume, ...listOf(objectOf(volume.projected).sources).map(objectOf)]);
  const configMaps = [
    ...sources.flatMap(({ configMapRef, configMapKeyRef }) => [configMapRef, configMapKeyRef]),
    ...volumes.map(({ configMap }) => configMap),
  ].filter((ref) => ref !== undefined);
  const wanted = [
    ...sources.flatMap(({ secretRef, secretKeyRef }) => [secretRef, secretKeyRef]),
    ...volumes.map(({ secret }) => secret),
  ].filter((ref) => ref !== undefined);
  return [
    ...missing(documents, 'ServiceAccount', textOf(spec.serviceAccountName)).map((why) => `${owner}: ${why}`),
    ...configMaps.map(objectOf).flatMap((ref) => configMapProblem(owner, ref, documents)),
    ...wanted.map(objectOf).flatMap((ref) => secretProblem(owner, ref, secrets)),
  ];
}

function configMapProblem(owner: string, ref: Json, documents: readonly Document[]): string[] {
  const found = documents.find(({ kind, name }) => kind === 'ConfigMap' && name === ref.name);
  if (found === undefined) return [`${owner}: there is no ConfigMap/${ref.name}`];
  if (ref.key === undefined || textOf(ref.key) in objectOf(found.all.data)) return [];
  return [`${owner}: ConfigMap/${ref.name} has no key ${ref.key}`];
}

function secretProblem(owner: string, ref: Json, secrets: Environment['secrets']): string[] {
  const name = textOf(ref.name) || textOf(ref.secretName);
  if (!secrets.has(name)) return [`${owner}: nothing makes Secret/${name}`];
  const keys = secrets.get(name);
  const wanted = [ref.key, ...listOf(ref.items).map((item) => objectOf(item).key)].filter((key) => key !== undefined);
  const absent = wanted.filter((key) => keys !== undefined && !keys.has(textOf(key)));
  return absent.map((key) => `${owner}: Secret/${name} has no key ${key}`);
}

function selectorReferences(document: Document, pods: readonly Pods[], { foreignPods }: Environment): string[] {
  const { kind, name, spec } = document;
  const at = `${kind}/${name}`;
  const chosen = (selector: Json) => pods.filter(({ labels }) => isSelected(labels, selector));
  const isForeign = ({ matchLabels }: Json) =>
    foreignPods.includes(textOf(objectOf(matchLabels)['app.kubernetes.io/name']));
  const nobody = (selector: Json) =>
    chosen(selector).length > 0 || isForeign(selector) ? [] : [`${at}: selects no pods: ${JSON.stringify(selector)}`];
  switch (kind) {
    case 'Service': {
      const selector = { matchLabels: spec.selector };
      const ports = listOf(spec.ports).map((port) => objectOf(port).targetPort);
      return [...nobody(selector), ...ports.flatMap((port) => portProblem(at, port, chosen(selector)))];
    }
    case 'Server': {
      const selector = objectOf(spec.podSelector);
      return [...nobody(selector), ...portProblem(at, spec.port, chosen(selector))];
    }
    case 'PodDisruptionBudget':
    case 'PodMonitor':
      return nobody(objectOf(spec.selector));
    case 'NetworkPolicy':
      return networkSelectors(spec).flatMap(nobody);
    default:
      return [];
  }
}

/** Selectors of pods in the same namespace: of the policy itself and of its peers. */
function networkSelectors(spec: Json): Json[] {
  const peers = [
    ...listOf(spec.ingress).flatMap((rule) => listOf(objectOf(rule).from)),
    ...listOf(spec.egress).flatMap((rule) => listOf(objectOf(rule).to)),
  ].map(objectOf);
  return [spec, ...peers.filter((peer) => peer.namespaceSelector === undefined)]
    .filter((each) => each.podSelector !== undefined)
    .map(({ podSelector }) => objectOf(podSelector));
}

/** As Kubernetes reads a label selector: everything that it says must hold. */
function isSelected(labels: Json, { matchLabels, matchExpressions }: Json): boolean {
  const named = Object.entries(objectOf(matchLabels)).every(([key, value]) => labels[key] === value);
  const expressed = listOf(matchExpressions)
    .map(objectOf)
    .every(({ key, operator, values }) => {
      const value = labels[textOf(key)];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      const isListed = listOf(values).includes(value);
      return operator === 'NotIn' ? !isListed : isListed;
    });
  return named && expressed;
}

function portProblem(at: string, port: unknown, pods: readonly Pods[]): string[] {
  if (typeof port !== 'string') return [];
  return pods.flatMap(({ owner, spec }) => {
    const ports = listOf(spec.containers).flatMap((container) => listOf(objectOf(container).ports).map(objectOf));
    return ports.some(({ name }) => name === port) ? [] : [`${at}: ${owner} has no port named ${port}`];
  });
}

function policyReferences({ kind, name, spec }: Document, documents: readonly Document[]): string[] {
  const at = `${kind}/${name}`;
  const refs = {
    HorizontalPodAutoscaler: () => [spec.scaleTargetRef],
    AuthorizationPolicy: () => [spec.targetRef, ...listOf(spec.requiredAuthenticationRefs)],
    HTTPLocalRateLimitPolicy: () => [spec.targetRef],
    MeshTLSAuthentication: () => listOf(spec.identityRefs).filter((ref) => objectOf(ref).namespace === undefined),
    GRPCRoute: () => routeRefs(spec),
    HTTPRoute: () => routeRefs(spec),
  }[kind];
  return (refs?.() ?? []).map(objectOf).flatMap((ref) => {
    const target = textOf(ref.kind) || 'Service';
    const problem = missing(documents, target, textOf(ref.name))[0] ?? servicePortProblem(ref, target, documents);
    return problem === undefined ? [] : [`${at}: ${problem}`];
  });
}

function routeRefs(spec: Json): unknown[] {
  return [...listOf(spec.parentRefs), ...listOf(spec.rules).flatMap((rule) => listOf(objectOf(rule).backendRefs))];
}

function servicePortProblem(ref: Json, kind: string, documents: readonly Document[]): string | undefined {
  if (kind !== 'Service' || ref.port === undefined) return undefined;
  const service = documents.find((document) => document.kind === 'Service' && document.name === ref.name);
  const ports = listOf(service?.spec.ports).map((port) => objectOf(port).port);
  return ports.includes(ref.port) ? undefined : `Service/${ref.name} has no port ${ref.port}`;
}

function missing(documents: readonly Document[], kind: string, name: string): string[] {
  return documents.some((document) => document.kind === kind && document.name === name)
    ? []
    : [`there is no ${kind}/${name}`];
}
