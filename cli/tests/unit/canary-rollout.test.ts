// The rollout of a canary on one machine, when somebody else decides.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '@stoa/chassis/postgres/database';
import { expect, it } from 'vitest';
import { runRollout } from '../../src/canary/rollout.ts';

/** A shop without orders, whose canary somebody has promoted. */
function promotedShop() {
  const queryable = {
    rows: async () => [],
    one: async () => ({ at: new Date(0), id: 0n, count: 0n }),
    maybe: async () => ({ version: 'v2', percent: 5, state: 'promoted', why: '', revision: '1' }),
    run: async () => 0,
  };
  return queryable as unknown as Database;
}

it('says that it was promoted by hand, and takes nothing back', async () => {
  const home = mkdtempSync(join(tmpdir(), 'stoa-rollout-'));
  const db = promotedShop();
  const ending = new AbortController();
  const said: string[] = [];
  let stopped = 0;
  await runRollout(
    {
      service: 'orders',
      version: 'v2',
      steps: [5, 100],
      stepSeconds: 1,
      address: '127.0.0.1:1',
      adminPorts: { stable: 1, canary: 1 },
      databases: { orders: db, payments: db, catalog: db },
      urls: {},
      openAudit: async () => ({ problem: async () => undefined }),
      splitsFile: join(home, 'splits.json'),
      reportFile: join(home, 'canary.json'),
      say(line) {
        said.push(line);
        expect(stopped).toBe(0);
        ending.abort();
      },
      ended: new Promise(() => {}),
      stopCanary: async () => {
        stopped++;
      },
    },
    ending.signal,
  );
  expect(said).toEqual([expect.stringContaining('canary of orders: promoted by hand')]);
  expect(JSON.parse(readFileSync(join(home, 'canary.json'), 'utf8'))).toMatchObject({ state: 'promoted', percent: 5 });
  expect(stopped).toBe(1);
  rmSync(home, { recursive: true });
});
