// The import arrows: proto <- chassis <- services, bff <- cli. A service knows no other service, the bff knows none,
// and inside a service the domain knows nothing but itself. The root's tests, bench and scripts may use everything.

import { packageOf } from './imports.ts';
import {
  type Finding,
  fileOf,
  isTestCode,
  lineAt,
  type Repository,
  type SourceFile,
  type Workspace,
  workspaceOf,
} from './repository.ts';

type Layer = 'proto' | 'chassis' | 'service' | 'bff' | 'cli' | 'root';

const mayImport: Record<Layer, readonly Layer[]> = {
  proto: [],
  chassis: ['proto'],
  service: ['proto', 'chassis'],
  bff: ['proto', 'chassis'],
  cli: ['proto', 'chassis', 'service', 'bff'],
  root: ['proto', 'chassis', 'service', 'bff', 'cli'],
};

/** Contracts without commerce in them: all that the chassis may know of ours. identity: who signs the tokens. */
const chassisContracts = /^@stoa\/proto\/(grpc|google|stoa\/(policy|chassis|common|identity))\//;

/** `cli/bin/stoa.mjs` runs before anything is installed, so no package name leads anywhere yet. */
const beforeInstallation = /^cli\/bin\//;

export function importArrows(repository: Repository): Finding[] {
  const unknown = repository.workspaces
    .filter(({ folder }) => layerOf(folder) === undefined)
    .map(({ folder }) => ({ path: `${folder}/package.json`, message: 'is a workspace that the arrows do not name' }));
  return [...unknown, ...forEachImport(repository, arrowFinding)];
}

export function serviceLayers(repository: Repository): Finding[] {
  return forEachImport(repository, layerFinding);
}

type Judge = (file: SourceFile, specifier: string, target: string | undefined, typeOnly: boolean) => string | undefined;

function forEachImport(repository: Repository, judge: (repository: Repository) => Judge): Finding[] {
  const verdict = judge(repository);
  return repository.sources.flatMap((file) =>
    file.imports.flatMap(({ specifier, start, typeOnly }) => {
      const message = verdict(file, specifier, fileOf(repository, file.path, specifier), typeOnly);
      return message === undefined ? [] : [{ path: file.path, line: lineAt(file.text, start), message }];
    }),
  );
}

function arrowFinding(repository: Repository): Judge {
  return (file, specifier, target) => {
    const from = workspaceOf(repository, file.path);
    if (from === undefined || from.folder === '' || beforeInstallation.test(file.path)) return undefined;
    const to = target === undefined ? byName(repository, specifier) : workspaceOf(repository, target);
    if (to === undefined) return undefined;
    if (to === from) return undefined;
    if (specifier.startsWith('.')) return `${specifier} leaves the workspace: import the package by its name`;
    const [here, there] = [layerOf(from.folder), layerOf(to.folder)];
    if (here === undefined || there === undefined) return undefined;
    if (!mayImport[here].includes(there)) return `${from.folder} must not import ${to.name}`;
    if (here === 'chassis' && !isTestCode(file.path) && !chassisContracts.test(specifier)) {
      return `${specifier}: the chassis must not know a context's contract`;
    }
    return undefined;
  };
}

function layerFinding(): Judge {
  return (file, specifier, target, typeOnly) => {
    const place = /^(services\/[^/]+\/src)\/(domain|infrastructure)\//.exec(file.path);
    if (place === null) return undefined;
    const [, source, layer] = place;
    if (target?.startsWith(`${source}/api/`)) return `${layer} must not import src/api`;
    if (layer !== 'domain' || specifier === '@stoa/proto/money') return undefined;
    const inside = target?.startsWith(`${source}/domain/`) ?? false;
    if (inside) return undefined;
    if (specifier.startsWith('.')) return `the domain must not import ${specifier} from outside itself`;
    return typeOnly ? undefined : `the domain must not import ${specifier}, except its types`;
  };
}

function byName({ workspaces }: Repository, specifier: string): Workspace | undefined {
  const name = packageOf(specifier);
  return name === undefined ? undefined : workspaces.find((candidate) => candidate.name === name);
}

function layerOf(folder: string): Layer | undefined {
  if (folder === '') return 'root';
  if (/^services\/[^/]+$/.test(folder)) return 'service';
  return folder === 'proto' || folder === 'chassis' || folder === 'bff' || folder === 'cli' ? folder : undefined;
}
