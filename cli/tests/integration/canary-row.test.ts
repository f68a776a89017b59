// `stoa canary` against a real database: what steps of a Rollout and operators tell a service of its canary.
import { laneOf, readCanary } from '@stoa/chassis/events/lane';
import { sql } from '@stoa/chassis/postgres/sql';
import { defineService } from '@stoa/chassis/service';
import { type TestService, testService } from '@stoa/chassis/testing/test-service';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { canary } from '../../src/commands/canary.ts';

const VARIABLE = 'STOA_DATABASE_URL_ORDERS';
const definition = defineService({
  name: 'orders',
  config: {},
  migrations: new URL('../../../chassis/tests/integration/fixtures/migrations/', import.meta.url),
});

let service: TestService;
beforeAll(async () => {
  service = await testService(definition, { postgresUrl: inject('postgresUrl'), logLevel: 'silent' });
  process.env[VARIABLE] = service.urls.orders;
});
afterAll(async () => {
  delete process.env[VARIABLE];
  await service.stop();
});

const row = () =>
  service.db.maybe(sql<{ version: string; percent: number; state: string; why: string }>`
    select version, percent, state, why from canary`);

it('shares, promotes and rolls back; a new version replaces the one before', async () => {
  await canary(['show', 'orders']);
  expect(await row()).toBeUndefined();
  await canary(['share', 'orders', '--version=abc', '--percent=5']);
  await canary(['share', 'orders', '--version=abc', '--percent=25']);
  expect(await row()).toEqual({ version: 'abc', percent: 25, state: 'running', why: '' });
  await canary(['rollback', 'orders', '--reason', 'p95']);
  expect(await row()).toEqual({ version: 'abc', percent: 25, state: 'rolled back', why: 'p95' });
  await canary(['share', 'orders', '--version=def', '--percent=5']);
  await canary(['promote', 'orders', '--version=def', '--percent=100']);
  await canary(['promote', 'orders', '--version=def', '--percent=100']);
  expect(await row()).toEqual({ version: 'def', percent: 5, state: 'promoted', why: '' });
});

it('keeps to an end: what is promoted is not silenced, what is rolled back is not revived', async () => {
  await expect(canary(['rollback', 'orders'])).rejects.toThrow('def is promoted already');
  expect(await row()).toMatchObject({ version: 'def', state: 'promoted' });
  await canary(['share', 'orders', '--version=ghi']);
  await canary(['rollback', 'orders', '--reason=slow']);
  await expect(canary(['promote', 'orders', '--version=ghi'])).rejects.toThrow('ghi is rolled back already');
  expect(await row()).toMatchObject({ version: 'ghi', state: 'rolled back', why: 'slow' });
  await canary(['rollback', 'orders', '--reason=slow']);
});

it('refuses to end a canary that is not the one, and what it does not understand', async () => {
  await expect(canary(['rollback', 'orders', '--version=abc'])).rejects.toThrow('abc was rejected already');
  await expect(canary(['rollback', 'orders', '--version=none'])).rejects.toThrow('the canary is not none');
  await expect(canary(['share', 'orders', '--version=x', '--percent=101'])).rejects.toThrow('--percent');
  await expect(canary(['stop', 'orders'])).rejects.toThrow('say show, share, promote or rollback');
  await expect(canary(['show', 'order'])).rejects.toThrow('there is no database of "order"');
});

it('rejects a canary that another one replaces, until it is shared again', async () => {
  const lanes = async () =>
    Promise.all(['one', 'two', 'old'].map(async (version) => laneOf(version, await readCanary(service.db, version))));
  await canary(['share', 'orders', '--version=one']);
  expect(await lanes()).toEqual(['canary', 'stable', 'stable']);
  // Aborted in the cluster: nobody told the database, and pods of `one` still live.
  await canary(['share', 'orders', '--version=two']);
  expect(await lanes()).toEqual(['silent', 'canary', 'stable']);
  await canary(['promote', 'orders', '--version=two']);
  expect(await lanes()).toEqual(['silent', 'stable', 'stable']);
  await canary(['share', 'orders', '--version=one']);
  expect(await lanes()).toEqual(['canary', 'stable', 'stable']);
  await canary(['rollback', 'orders', '--reason=wrong totals']);
  await canary(['share', 'orders', '--version=three']);
  expect(await lanes()).toEqual(['silent', 'stable', 'stable']);
  await expect(canary(['promote', 'orders', '--version=one'])).rejects.toThrow('one was rejected already');
});

it('promotes what was replaced only because nobody had told that it was promoted', async () => {
  await canary(['share', 'orders', '--version=full']);
  await canary(['share', 'orders', '--version=next', '--percent=5']);
  const lane = async () => laneOf('full', await readCanary(service.db, 'full'));
  expect(await lane()).toBe('silent');
  await canary(['promote', 'orders', '--version=full']);
  expect(await lane()).toBe('stable');
  expect(await row()).toMatchObject({ version: 'next', percent: 5, state: 'running' });
});
