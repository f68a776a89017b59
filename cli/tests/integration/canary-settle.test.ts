// The settler against a real database and an API server that answers as Kubernetes does.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '@stoa/chassis/log';
import { sql } from '@stoa/chassis/postgres/sql';
import { defineService } from '@stoa/chassis/service';
import { type TestService, testService } from '@stoa/chassis/testing/test-service';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { readRollout } from '../../src/canary/argo.ts';
import { type RolloutStatus, settleAgain } from '../../src/canary/settle.ts';
import { endCanary, readCanaryState, shareWithCanary } from '../../src/operate/canary-row.ts';

const definition = defineService({
  name: 'orders',
  config: {},
  migrations: new URL('../../../chassis/tests/integration/fixtures/migrations/', import.meta.url),
});
const patience = { timeout: 20_000, interval: 20 };
const account = mkdtempSync(join(tmpdir(), 'stoa-account-'));
const asked: string[] = [];
let rollouts: Record<string, RolloutStatus> = {};
const api = createServer((request, response) => {
  asked.push(`${request.headers.authorization} ${request.url}`);
  const status = rollouts[request.url?.split('/').at(-1) ?? ''];
  response.writeHead(status === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ kind: status === undefined ? 'Status' : 'Rollout', status }));
});

let service: TestService;
let url: string;
beforeAll(async () => {
  service = await testService(definition, { postgresUrl: inject('postgresUrl'), logLevel: 'silent' });
  writeFileSync(join(account, 'token'), 'secret\n');
  writeFileSync(join(account, 'namespace'), 'stoa');
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
});
afterAll(async () => {
  api.close();
  rmSync(account, { recursive: true });
  await service.stop();
});

let stop: () => Promise<void>;
beforeEach(() => {
  const ending = new AbortController();
  // `gone` comes first: a database that cannot be asked keeps nobody.
  const gone = { ...service.db, maybe: () => Promise.reject(new Error('it is gone')) };
  const options = {
    databases: { gone, orders: service.db },
    readRollout: (name: string) => readRollout(name, { url, account }),
    log: createLog('silent'),
  };
  const done = settleAgain(options, 20, ending.signal);
  stop = async () => {
    ending.abort();
    await done;
  };
});
afterEach(() => stop());

const row = () => readCanaryState(service.db);

it('promotes what Argo calls stable, asking as its own account', async () => {
  rollouts = { orders: { stableRS: 'one', currentPodHash: 'two' } };
  await shareWithCanary(service.db, 'two', 5);
  await expect.poll(() => asked.length, patience).toBeGreaterThan(1);
  expect(await row()).toMatchObject({ version: 'two', state: 'running' });
  rollouts = { orders: { stableRS: 'two', currentPodHash: 'two' } };
  await expect.poll(row, patience).toMatchObject({ version: 'two', state: 'promoted' });
  expect(new Set(asked)).toEqual(new Set(['Bearer secret /apis/argoproj.io/v1alpha1/namespaces/stoa/rollouts/orders']));
});

it('rolls back what was aborted; shared again, it is on trial again', async () => {
  rollouts = { orders: { stableRS: 'two', currentPodHash: 'three', abort: true } };
  await shareWithCanary(service.db, 'three', 5);
  await expect.poll(row, patience).toMatchObject({ version: 'three', state: 'rolled back' });
  rollouts = { orders: { stableRS: 'two', currentPodHash: 'three' } };
  await shareWithCanary(service.db, 'three', 5);
  asked.length = 0;
  await expect.poll(() => asked.length, patience).toBeGreaterThan(1);
  expect(await row()).toMatchObject({ version: 'three', state: 'running' });
});

it('revives what the next canary replaced before anybody told that it was promoted', async () => {
  rollouts = {};
  await shareWithCanary(service.db, 'full', 5);
  await shareWithCanary(service.db, 'next', 5);
  rollouts = { orders: { stableRS: 'full', currentPodHash: 'next' } };
  const superseded = () =>
    service.db.rows(sql<{ version: string }>`select version from canary_rejected where version = 'full'`);
  await expect.poll(superseded, patience).toEqual([]);
  expect(await row()).toMatchObject({ version: 'next', state: 'running' });
});

it('does not end a canary that was shared again after it was looked at', async () => {
  rollouts = {};
  await shareWithCanary(service.db, 'four', 5);
  const seen = await row();
  await shareWithCanary(service.db, 'four', 5);
  const end = { state: 'rolled back', why: '' } as const;
  expect(await endCanary(service.db, 'four', { ...end, revision: seen?.revision })).toBe(false);
  expect(await endCanary(service.db, 'four', { ...end, revision: (await row())?.revision })).toBe(true);
});
