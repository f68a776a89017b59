// Dependencies: declared where they are used, pinned exactly, one version each, and never from a named registry.

import { isBuiltin } from 'node:module';
import { packageOf } from './imports.ts';
import {
  type Finding,
  isTestCode,
  lineAt,
  type Manifest,
  type Repository,
  type Workspace,
  workspaceOf,
} from './repository.ts';

const exactVersion = /^\d+\.\d+\.\d+(-[\w.-]+)?$/;

/** Hosts of package registries. A clone must install from whatever registry the machine is set to. */
const registryHosts =
  /\b(registry\.(npmjs|yarnpkg|npmmirror)\.|(npm|maven)\.pkg\.github\.|npm\.jsr\.|proxy\.golang\.|(files\.)?pypi(thonhosted)?\.org)/i;

export function declaredPackages(repository: Repository): Finding[] {
  const root = repository.workspaces.find(({ folder }) => folder === '');
  return repository.sources.flatMap((file) => {
    const own = workspaceOf(repository, file.path);
    if (own === undefined) return [];
    const allowed = allowedPackages(repository, own, root, file.path);
    return file.imports.flatMap(({ specifier, start }) => {
      const message = complaint(specifier, allowed, own);
      return message === undefined ? [] : [{ path: file.path, line: lineAt(file.text, start), message }];
    });
  });
}

function complaint(specifier: string, allowed: ReadonlySet<string>, own: Workspace): string | undefined {
  const name = packageOf(specifier);
  if (name === undefined || allowed.has(name)) return undefined;
  if (isBuiltin(specifier)) return `write node:${specifier}`;
  return `${name} is not declared in ${own.folder === '' ? '' : `${own.folder}/`}package.json`;
}

function allowedPackages(
  repository: Repository,
  own: Workspace,
  root: Workspace | undefined,
  path: string,
): ReadonlySet<string> {
  const allowed = new Set([own.name, ...namesIn(own.manifest)]);
  // The root has what any workspace has: its tests, bench and scripts look at all of them.
  const also = own.folder === '' ? repository.workspaces : isTestCode(path) && root !== undefined ? [root] : [];
  for (const { name, manifest } of also) for (const each of [name, ...namesIn(manifest)]) allowed.add(each);
  return allowed;
}

export function pinnedPackages(repository: Repository): Finding[] {
  const versions = new Map<string, string>();
  return repository.workspaces.flatMap(({ folder, manifest }) => {
    const path = folder === '' ? 'package.json' : `${folder}/package.json`;
    return dependenciesIn(manifest).flatMap(([name, version]) => {
      if (!exactVersion.test(version)) return [{ path, message: `${name} must be pinned exactly, not ${version}` }];
      const first = versions.get(name) ?? version;
      versions.set(name, first);
      return first === version ? [] : [{ path, message: `${name} is ${version} here and ${first} elsewhere` }];
    });
  });
}

export function registryNames(repository: Repository): Finding[] {
  return [...repository.texts].flatMap(([path, text]) => {
    const patterns = [registryHosts];
    if (path.endsWith('package-lock.json')) patterns.push(/"resolved": "\w+:\/\//);
    if (path.endsWith('.npmrc')) patterns.push(/^[^;#\n]*\bregistry\s*=/m);
    const match = patterns.map((pattern) => pattern.exec(text)).find((found) => found !== null);
    if (match === undefined) return [];
    return [{ path, line: lineAt(text, match.index), message: 'names a package registry: leave it to the machine' }];
  });
}

function namesIn(manifest: Manifest): string[] {
  return dependenciesIn(manifest).map(([name]) => name);
}

function dependenciesIn({ dependencies, devDependencies, optionalDependencies }: Manifest): [string, string][] {
  return [dependencies, devDependencies, optionalDependencies].flatMap((group) => Object.entries(group ?? {}));
}
