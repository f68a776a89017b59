// Canaries: what a Rollout names must exist, every route whose weights it moves must have both versions behind it, and no
// route of a method may be kinder or harsher than another. Argo Rollouts finds out in the middle of a rollout.
import { databaseVariable } from '@stoa/chassis/host/host-config';
import { type Document, type Json, listOf, objectOf, textOf } from './documents.ts';

export function rolloutProblems(documents: readonly Document[]): string[] {
  const rollouts = documents.filter(({ kind }) => kind === 'Rollout');
  return [
    ...rollouts.flatMap((rollout) => problemsOf(rollout, documents)),
    ...documents.filter(({ kind }) => kind === 'AnalysisTemplate').flatMap((each) => templateProblems(each, documents)),
    ...differingRoutes(documents),
    ...unsettled(rollouts, documents),
  ];
}

function problemsOf({ name, spec }: Document, documents: readonly Document[]): string[] {
  const canary = objectOf(objectOf(spec.strategy).canary);
  const { stableService, canaryService } = canary;
  const plugins = Object.values(objectOf(objectOf(canary.trafficRouting).plugins)).map(objectOf);
  const routesOf = (kind: string, key: string) =>
    plugins.flatMap((plugin) => listOf(plugin[key]).map((route) => [kind, textOf(objectOf(route).name)] as const));
  const named = [
    [textOf(objectOf(spec.workloadRef).kind), textOf(objectOf(spec.workloadRef).name)] as const,
    ...[stableService, canaryService].map((service) => ['Service', textOf(service)] as const),
    ...routesOf('GRPCRoute', 'grpcRoutes'),
    ...routesOf('HTTPRoute', 'httpRoutes'),
  ];
  const found = named.flatMap(([kind, target]) => {
    const document = documents.find((each) => each.kind === kind && each.name === target);
    if (document === undefined) return [`there is no ${kind}/${target}`];
    if (!kind.endsWith('Route')) return [];
    return hasBoth(document, [textOf(stableService), textOf(canaryService)])
      ? []
      : [`${kind}/${target} has a rule that does not split between ${stableService} and ${canaryService}`];
  });
  const scaled = documents.filter(({ kind, spec: hpa }) => {
    const target = objectOf(hpa.scaleTargetRef);
    return kind === 'HorizontalPodAutoscaler' && target.kind === 'Deployment' && target.name === name;
  });
  const autoscaled = scaled.map((hpa) => `HorizontalPodAutoscaler/${hpa.name} scales the Deployment under it`);
  return [...found, ...autoscaled, ...analysisProblems(canary, documents), ...weightProblems(canary)].map(
    (why) => `Rollout/${name}: ${why}`,
  );
}

function hasBoth({ spec }: Document, services: readonly string[]): boolean {
  return listOf(spec.rules).every((rule) => {
    const backends = listOf(objectOf(rule).backendRefs).map((ref) => textOf(objectOf(ref).name));
    return services.every((service) => backends.includes(service));
  });
}

function analysisProblems(canary: Json, documents: readonly Document[]): string[] {
  const steps = listOf(canary.steps).map((step) => objectOf(objectOf(step).analysis));
  return [objectOf(canary.analysis), ...steps].flatMap((analysis) => {
    const given = new Set(listOf(analysis.args).map((arg) => objectOf(arg).name));
    return listOf(analysis.templates).flatMap((template) => {
      const { templateName } = objectOf(template);
      const found = documents.find(({ kind, name }) => kind === 'AnalysisTemplate' && name === templateName);
      if (found === undefined) return [`there is no AnalysisTemplate/${templateName}`];
      const wanted = listOf(found.spec.args).map(objectOf);
      return wanted
        .filter(({ name, value }) => value === undefined && !given.has(name))
        .map(({ name }) => `AnalysisTemplate/${templateName} is not given ${name}`);
    });
  });
}

function weightProblems(canary: Json): string[] {
  const weights = listOf(canary.steps).flatMap((step) => {
    const { setWeight } = objectOf(step);
    return typeof setWeight === 'number' ? [setWeight] : [];
  });
  const rises = weights.every((weight, index) => index === 0 || weight > (weights[index - 1] ?? 0));
  return rises && weights.at(-1) === 100 ? [] : [`weights must rise to 100, not ${weights.join(', ')}`];
}

/** Placeholders that nobody fills in stay in the query as they are, and match nothing. */
function templateProblems({ name, spec, all }: Document, documents: readonly Document[]): string[] {
  const declared = new Set(listOf(spec.args).map((arg) => textOf(objectOf(arg).name)));
  const used = [...JSON.stringify(spec.metrics).matchAll(/\{\{args\.([\w-]+)\}\}/g)].map(([, arg]) => arg as string);
  const accounts = [...JSON.stringify(all).matchAll(/"serviceAccountName":"([^"]+)"/g)].map(([, each]) => each);
  return [
    ...[...new Set(used)].filter((arg) => !declared.has(arg)).map((arg) => `there is no argument ${arg}`),
    ...accounts
      .filter((account) => !documents.some((each) => each.kind === 'ServiceAccount' && each.name === account))
      .map((account) => `there is no ServiceAccount/${account}`),
  ].map((why) => `AnalysisTemplate/${name}: ${why}`);
}

const STEP = 'canary-step';
const SETTLER = 'canary-settle';

/** Whose database is told of its canary by steps, is told of its end also where no step runs. */
function unsettled(rollouts: readonly Document[], documents: readonly Document[]): string[] {
  const settler = documents.find(({ kind, name }) => kind === 'Deployment' && name === SETTLER);
  const template = objectOf(objectOf(settler?.spec.template).spec);
  const variables = listOf(template.containers).flatMap((container) =>
    listOf(objectOf(container).env).map((variable) => textOf(objectOf(variable).name)),
  );
  return rollouts
    .filter(({ spec }) => JSON.stringify(spec).includes(`"templateName":"${STEP}"`))
    .map(({ name }) => databaseVariable(name))
    .filter((variable) => !variables.includes(variable))
    .map((variable) => `Deployment/${SETTLER} is not given ${variable}`);
}

const POLICY = /^(timeout|retry)\.linkerd\.io\//;

/** Split and pinned routes of a method carry the same timeout and the same retries. */
function differingRoutes(documents: readonly Document[]): string[] {
  const seen = new Map<string, { readonly route: string; readonly policy: string }>();
  return documents
    .filter(({ kind }) => kind === 'GRPCRoute')
    .flatMap((route) => {
      const services = listOf(route.spec.parentRefs)
        .map(objectOf)
        .filter(({ kind }) => kind === 'Service');
      const matches = listOf(route.spec.rules).flatMap((rule) => listOf(objectOf(rule).matches).map(objectOf));
      const policy = JSON.stringify(
        Object.entries(route.annotations)
          .filter(([key]) => POLICY.test(key))
          .sort(),
      );
      return services.flatMap(({ name }) =>
        matches.flatMap(({ method }) => {
          const key = `${name} ${objectOf(method).service}/${objectOf(method).method}`;
          const other = seen.get(key) ?? { route: route.name, policy };
          seen.set(key, other);
          if (other.policy === policy) return [];
          return [`${key}: GRPCRoute/${route.name} and GRPCRoute/${other.route} differ in timeout or retries`];
        }),
      );
    });
}
