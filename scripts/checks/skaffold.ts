// What skaffold builds and what the manifests run must be the same images, and its profiles must deploy what exists.
import { parse } from 'yaml';
import { type Document, listOf, objectOf, podTemplateOf, textOf } from './documents.ts';

interface Rendered {
  readonly name: string;
  readonly documents: readonly Document[];
}

/** Only our own images: those of others are pulled. */
const OURS = /^stoa-[a-z]+$/;

export function skaffoldProblems(text: string, environments: readonly Rendered[]): string[] {
  const skaffold = objectOf(parse(text));
  const built = artifactsOf(skaffold);
  const profiles = listOf(skaffold.profiles).map(objectOf);
  const problems = [...compare('dev', built, environments), ...unwatched('dev', skaffold, environments)];
  for (const profile of profiles) {
    const manifests = pathsOf(profile);
    const environment = manifests.length === 0 ? 'dev' : manifests[0];
    const images = objectOf(profile.build).artifacts === undefined ? built : artifactsOf(profile);
    problems.push(
      ...[
        ...compare(environment ?? 'dev', images, environments),
        ...unwatched(environment ?? 'dev', profile, environments),
      ].map((why) => `profile ${profile.name}: ${why}`),
    );
  }
  return problems.map((why) => `skaffold.yaml: ${why}`);
}

function artifactsOf(config: object): string[] {
  const { artifacts } = objectOf(objectOf(config).build);
  return listOf(artifacts).map((artifact) => textOf(objectOf(artifact).image));
}

/** The environments that a profile's kustomize paths name. */
function pathsOf(profile: object): string[] {
  const { paths } = objectOf(objectOf(objectOf(profile).manifests).kustomize);
  return listOf(paths).flatMap((path) => /^mesh\/environments\/(\w+)$/.exec(textOf(path))?.[1] ?? []);
}

function compare(name: string, built: readonly string[], environments: readonly Rendered[]): string[] {
  const environment = environments.find((each) => each.name === name);
  if (environment === undefined) return [`there is no environment ${name}`];
  const run = imagesOf(environment.documents);
  return [
    ...run.filter((image) => !built.includes(image)).map((image) => `${name} runs ${image}, which nothing builds`),
    ...built.filter((image) => !run.includes(image)).map((image) => `builds ${image}, which ${name} does not run`),
  ];
}

/** A source that is copied into a container whose Node does not watch it changes nothing. */
function unwatched(name: string, config: object, environments: readonly Rendered[]): string[] {
  const artifacts = listOf(objectOf(objectOf(config).build).artifacts).map(objectOf);
  const synced = artifacts.filter(({ sync }) => sync !== undefined).map(({ image }) => textOf(image));
  const deployments = environments
    .filter((each) => each.name === name)
    .flatMap(({ documents }) => documents.filter(({ kind }) => kind === 'Deployment'));
  return deployments.flatMap((deployment) => {
    const containers = listOf(objectOf(podTemplateOf(deployment)?.spec).containers).map(objectOf);
    return containers
      .filter(({ image, args }) => synced.includes(untagged(image)) && !listOf(args).includes('--watch'))
      .map(({ image }) => `${untagged(image)} is synced, but ${name}'s Deployment/${deployment.name} has no --watch`);
  });
}

const untagged = (image: unknown) => textOf(image).replace(/:[^/]*$/, '');

export function imagesOf(documents: readonly Document[]): string[] {
  const images = documents.flatMap((document) => {
    const spec = objectOf(podTemplateOf(document)?.spec);
    const containers = [...listOf(spec.initContainers), ...listOf(spec.containers)].map(objectOf);
    return containers.map(({ image }) => untagged(image));
  });
  return [...new Set(images)].filter((image) => OURS.test(image)).sort();
}
