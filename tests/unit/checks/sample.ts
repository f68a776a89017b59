// A small repository of the shape of ours, to put one violation at a time into.

import { type Finding, type Repository, repositoryOf } from '../../../scripts/checks/repository.ts';

function manifest(name: string, more: object = {}): string {
  return JSON.stringify({ name, exports: { '.': './src/service.ts', './*': './src/*.ts' }, ...more });
}

const internal = { '@stoa/chassis': '0.1.0', '@stoa/proto': '0.1.0' };

const manifests: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({ name: 'stoa', devDependencies: { vitest: '5.1.1' } }),
  'proto/package.json': JSON.stringify({
    name: '@stoa/proto',
    exports: { './money': './money.ts', './*': './gen/*.ts' },
  }),
  'chassis/package.json': manifest('@stoa/chassis', { dependencies: { '@stoa/proto': '0.1.0', pg: '8.23.1' } }),
  'services/cart/package.json': manifest('@stoa/cart', { dependencies: internal }),
  'services/orders/package.json': manifest('@stoa/orders', { dependencies: internal }),
  'bff/package.json': manifest('@stoa/bff', { dependencies: { ...internal, graphql: '16.15.0' } }),
  'cli/package.json': manifest('@stoa/cli', { dependencies: { ...internal, '@stoa/cart': '0.1.0' } }),
};

export function sample(files: Readonly<Record<string, string>>): Repository {
  return repositoryOf({ ...manifests, ...files });
}

/** `path:line` of what a rule finds when `path` holds `text`. */
export function places(rule: (repository: Repository) => Finding[], path: string, text: string): string[] {
  return rule(sample({ [path]: text })).map((finding) => `${finding.path}:${finding.line ?? ''}`);
}
