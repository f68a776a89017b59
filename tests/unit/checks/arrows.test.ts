import { describe, expect, it } from 'vitest';
import { importArrows, serviceLayers } from '../../../scripts/checks/arrows.ts';
import { importCycles } from '../../../scripts/checks/cycles.ts';
import { places, sample } from './sample.ts';

describe('import arrows', () => {
  it.each([
    ['a service and another service', 'services/cart/src/a.ts', "import '@stoa/orders';"],
    ['a service and a file of another service', 'services/cart/src/a.ts', "import '@stoa/orders/domain/order';"],
    ['a service and the types of another service', 'services/cart/src/a.ts', "import type { A } from '@stoa/orders';"],
    ["a service's test and another service", 'services/cart/tests/unit/a.test.ts', "import '@stoa/orders';"],
    ['a service and the bff', 'services/cart/src/a.ts', "import '@stoa/bff';"],
    ['a service and the command', 'services/cart/src/a.ts', "import '@stoa/cli/main';"],
    ['the bff and a service', 'bff/src/a.ts', "const a = await import('@stoa/cart');"],
    ['the bff and the command', 'bff/src/a.ts', "import '@stoa/cli/main';"],
    ['the chassis and a service', 'chassis/src/a.ts', "export * from '@stoa/cart';"],
    ["the chassis and a context's contract", 'chassis/src/a.ts', "import '@stoa/proto/stoa/orders/v1/orders_pb';"],
    ['the contracts and the chassis', 'proto/money.ts', "import '@stoa/chassis/runtime';"],
    ['a relative path out of the workspace', 'services/cart/src/a.ts', "import '../../../chassis/src/runtime.ts';"],
    ['a relative path into the root', 'cli/src/a.ts', "import '../../scripts/a.ts';"],
  ])('refuses %s', (_, path, text) => {
    expect(places(importArrows, path, text)).toEqual([`${path}:1`]);
  });

  it.each([
    ['a service and the chassis', 'services/cart/src/a.ts', "import '@stoa/chassis/service';"],
    ["a service and another service's contract", 'services/cart/src/a.ts', "import '@stoa/proto/stoa/orders/v1/a_pb';"],
    ['a service and itself', 'services/cart/src/a.ts', "import './domain/cart.ts';"],
    ['the chassis and the policy', 'chassis/src/a.ts', "import '@stoa/proto/stoa/policy/v1/policy_pb';"],
    [
      "the chassis' tests and any contract",
      'chassis/tests/unit/a.test.ts',
      "import '@stoa/proto/stoa/orders/v1/a_pb';",
    ],
    ['the command and a service', 'cli/src/a.ts', "import '@stoa/cart';"],
    ["the command's start before installation", 'cli/bin/stoa.mjs', "import '../../scripts/with-setup.mjs';"],
    ["the root's tests and everything", 'tests/e2e/a.test.ts', "import '../../cli/src/a.ts';"],
    ['what only a comment imports', 'bff/src/a.ts', "// import '@stoa/cart';"],
  ])('lets pass %s', (_, path, text) => {
    expect(places(importArrows, path, text)).toEqual([]);
  });

  it('refuses a workspace that it does not know', () => {
    const repository = sample({ 'extra/package.json': '{"name":"@stoa/extra"}' });
    expect(importArrows(repository)).toMatchObject([{ path: 'extra/package.json' }]);
  });
});

describe('layers of a service', () => {
  const domain = 'services/cart/src/domain/cart.ts';

  it.each([
    ['a Node module', "import { hash } from 'node:crypto';"],
    ['a driver', "import pg from 'pg';"],
    ['the bus', "import { connect } from '@nats-io/transport-node';"],
    ['an error of the transport', "import { ConnectError } from '@connectrpc/connect';"],
    ['generated code', "import { OrderSchema } from '@stoa/proto/stoa/orders/v1/order_pb';"],
    ['the chassis', "import { sql } from '@stoa/chassis/postgres/sql';"],
    ['its own infrastructure', "import { load } from '../infrastructure/carts.ts';"],
    ['its own api, even types', "import type { A } from '../api/handlers.ts';"],
    ['its own configuration, even types', "import type { Config } from '../config/config.ts';"],
    ['a type that is imported as a value', "import { type Clock } from '@stoa/chassis/runtime';"],
  ])('keeps the domain from %s', (_, text) => {
    expect(places(serviceLayers, domain, text)).toEqual([`${domain}:1`]);
  });

  it.each([
    ['itself', "import { line } from './line.ts';"],
    ['a folder of itself', "import { line } from './lines/line.ts';"],
    ['money', "import { add } from '@stoa/proto/money';"],
    ['types of the chassis', "import type { Clock } from '@stoa/chassis/runtime';"],
  ])('lets the domain use %s', (_, text) => {
    expect(places(serviceLayers, domain, text)).toEqual([]);
  });

  it('keeps infrastructure from the api', () => {
    const path = 'services/cart/src/infrastructure/carts.ts';
    expect(places(serviceLayers, path, "import { a } from '../api/map.ts';")).toEqual([`${path}:1`]);
    expect(places(serviceLayers, path, "import { a } from '../domain/cart.ts';\nimport 'node:fs';")).toEqual([]);
  });
});

describe('import cycles', () => {
  it('finds two files that import each other', () => {
    const repository = sample({ 'bff/src/a.ts': "import './b.ts';", 'bff/src/b.ts': "import './a.ts';" });
    expect(importCycles(repository)).toMatchObject([
      { message: 'imports itself: bff/src/a.ts -> bff/src/b.ts -> bff/src/a.ts' },
    ]);
  });

  it('finds a cycle behind a file that is not part of it, and through package names', () => {
    const repository = sample({
      'chassis/src/a.ts': "import './b.ts';",
      'chassis/src/b.ts': "import '@stoa/chassis/c';",
      'chassis/src/c.ts': "export * from './b.ts';",
    });
    expect(importCycles(repository)).toMatchObject([{ path: 'chassis/src/b.ts' }]);
  });

  it('has nothing against two ways to the same file, or types that need each other', () => {
    const repository = sample({
      'bff/src/a.ts': "import './b.ts';\nimport './c.ts';",
      'bff/src/b.ts': "import './c.ts';",
      'bff/src/c.ts': "import type { A } from './a.ts';",
    });
    expect(importCycles(repository)).toEqual([]);
  });
});
