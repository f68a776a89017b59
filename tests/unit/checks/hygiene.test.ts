import { describe, expect, it } from 'vitest';
import { chassisWords, fileLength, runningTests, typeHoles } from '../../../scripts/checks/hygiene.ts';
import { places } from './sample.ts';

describe('no holes in the types', () => {
  it.each(['const a = b as any;', 'let a: any;', 'function f(a: any) {}', '// @ts-ignore', '/* @ts-nocheck */'])(
    'refuses %j',
    (text) => {
      expect(places(typeHoles, 'bff/src/a.ts', text)).toEqual(['bff/src/a.ts:1']);
    },
  );

  it.each([
    "sql`where sku = any(${'x'})`;",
    'f(b as unknown);',
    "// '@ts ignore' and any",
    'const company: anything = 1;',
  ])('lets pass %j', (text) => {
    expect(places(typeHoles, 'bff/src/a.ts', text)).toEqual([]);
  });
});

describe('every test runs, once', () => {
  const path = 'bff/tests/unit/a.test.ts';
  // Put together here, because this file is checked as well.
  const call = (name: string) => `it.${name}('a rule', () => {});`;

  it.each(['only', 'skip', 'todo', 'only.each([1])', 'concurrent.skip'])('refuses .%s', (name) => {
    expect(places(runningTests, path, `\n${call(name)}`)).toEqual([`${path}:2`]);
  });

  it('refuses a test that is tried again', () => {
    expect(places(runningTests, path, "it('a rule', { retry: 2 }, () => {});")).toEqual([`${path}:1`]);
    expect(places(runningTests, 'vitest.config.ts', 'export default { test: { retry: 1 } };')).toHaveLength(1);
    expect(places(runningTests, '.ci/run', 'npm test -- --retry 2')).toHaveLength(1);
  });

  it('has nothing against those words elsewhere', () => {
    expect(places(runningTests, path, "it('skips', () => { expect(page.skipped).toBe('.only('); });")).toEqual([]);
    expect(places(runningTests, 'bff/src/a.ts', 'iterator.skip(2); const policy = { retry: 2 };')).toEqual([]);
  });
});

describe('file length', () => {
  it('refuses a file that is too long, and no other', () => {
    const lines = (count: number) => 'f();\n'.repeat(count);
    expect(places(fileLength, 'bff/src/a.ts', lines(401))).toEqual(['bff/src/a.ts:']);
    expect(places(fileLength, 'bff/src/a.ts', lines(400))).toEqual([]);
    expect(places(fileLength, 'proto/gen/a_pb.ts', lines(401))).toEqual([]);
    expect(places(fileLength, 'services/cart/migrations/000001_a.sql', lines(401))).toHaveLength(1);
  });
});

describe('no commerce in the chassis', () => {
  const path = 'chassis/src/a.ts';

  it.each([
    'const cart = 1;',
    'f(cartId);',
    'type StockKeepingUnit = Sku;',
    'const MAX_PAYMENTS = 1;',
    'o.priceMinor;',
  ])('refuses %j', (text) => {
    expect(places(chassisWords, path, text)).toEqual([`${path}:1`]);
  });

  it.each(['// In order, as in a cart.', "f('orders.events');", 'const order = cartesian(a);', 'const orderBy = 1;'])(
    'lets pass %j',
    (text) => {
      expect(places(chassisWords, path, text)).toEqual([]);
    },
  );

  it('is about the chassis alone', () => {
    expect(places(chassisWords, 'services/cart/src/a.ts', 'const cart = 1;')).toEqual([]);
    expect(places(chassisWords, 'chassis/tests/unit/a.test.ts', 'const cart = 1;')).toEqual([]);
  });
});
