import { describe, expect, it } from 'vitest';
import { declaredPackages, pinnedPackages, registryNames } from '../../../scripts/checks/packages.ts';
import { places, sample } from './sample.ts';

describe('packages declared where used', () => {
  it.each([
    ['a package of nobody', 'services/cart/src/a.ts', "import 'left-pad';"],
    ['a package of another workspace', 'services/cart/src/a.ts', "import 'graphql/type';"],
    ['a workspace that is not declared', 'bff/src/a.ts', "import '@stoa/cart';"],
    ['a development tool in the product', 'bff/src/a.ts', "import 'vitest';"],
    ['a Node module without its prefix', 'bff/src/a.ts', "import 'fs';"],
    ['a package of nobody, in a test', 'tests/e2e/a.test.ts', "import 'left-pad';"],
  ])('refuses %s', (_, path, text) => {
    expect(places(declaredPackages, path, text)).toEqual([`${path}:1`]);
  });

  it.each([
    ['a declared package', 'bff/src/a.ts', "import 'graphql/type';"],
    ['a Node module', 'bff/src/a.ts', "import 'node:fs/promises';"],
    ['a development tool in a test', 'bff/tests/unit/a.test.ts', "import 'vitest';"],
    ["anybody's package in the root's tests", 'tests/e2e/a.test.ts', "import 'graphql';\nimport '@stoa/cart';"],
  ])('lets pass %s', (_, path, text) => {
    expect(places(declaredPackages, path, text)).toEqual([]);
  });
});

describe('packages pinned', () => {
  it.each(['^1.2.3', '~1.2.3', '1.x', '*', 'latest', 'workspace:*', 'file:../x', '>=1.0.0'])(
    'refuses %s',
    (version) => {
      const repository = sample({ 'bff/package.json': JSON.stringify({ dependencies: { graphql: version } }) });
      expect(pinnedPackages(repository)).toMatchObject([{ path: 'bff/package.json' }]);
    },
  );

  it('refuses two versions of one package', () => {
    const repository = sample({ 'bff/package.json': JSON.stringify({ dependencies: { pg: '8.0.0' } }) });
    expect(pinnedPackages(repository)).toHaveLength(1);
  });

  it('lets pass exact versions', () => {
    const manifest = { dependencies: { pg: '8.23.1' }, optionalDependencies: { binary: '18.4.0-beta.17' } };
    expect(pinnedPackages(sample({ 'bff/package.json': JSON.stringify(manifest) }))).toEqual([]);
  });
});

describe('no registry named', () => {
  // Put together here, because this file is checked as well.
  const host = ['registry', 'npmjs', 'org'].join('.');

  it.each([
    ['the lock file', 'package-lock.json', `{ "resolved": "https://${host}/pg/-/pg-8.23.1.tgz" }`],
    ['a private host in the lock file', 'package-lock.json', '{ "resolved": "http://packages.internal/pg.tgz" }'],
    ['documentation', 'docs/guides/a.md', `Packages come from ${host}.`],
    ['npm settings', '.npmrc', 'registry=http://packages.internal/'],
  ])('refuses one in %s', (_, path, text) => {
    expect(places(registryNames, path, text)).toEqual([`${path}:1`]);
  });

  it('lets pass links between workspaces, and prose', () => {
    expect(places(registryNames, 'package-lock.json', '{ "resolved": "bff", "link": true }')).toEqual([]);
    expect(places(registryNames, '.npmrc', '; the registry = whatever the machine says')).toEqual([]);
    expect(places(registryNames, 'k8s/a.yaml', 'image: ghcr.io/stoa/cart')).toEqual([]);
  });
});
