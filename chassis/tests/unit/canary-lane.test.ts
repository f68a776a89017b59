// The canary's loop under load that never ends, on a clock that moves only with its work.
import { runCanaryLane } from '@stoa/chassis/events/canary-lane';
import { consumer, on } from '@stoa/chassis/events/consumer';
import { topic } from '@stoa/chassis/events/topic';
import { NO_FAILPOINTS } from '@stoa/chassis/failpoint';
import { createLog } from '@stoa/chassis/log';
import { createMetrics } from '@stoa/chassis/metrics';
import type { Database, Tx } from '@stoa/chassis/postgres/database';
import type { Statement } from '@stoa/chassis/postgres/sql';
import {
  file_stoa_inventory_v1_stock_events,
  StockLevelChangedSchema,
} from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { expect, it } from 'vitest';

const LEASE_MS = 6000;
const WORK_MS = 500;

it('renews its lease while there is always something more to take', async () => {
  let nowMs = 0;
  const leases: number[] = [];
  const ending = new AbortController();
  const answer = (text: string): unknown => {
    if (text.includes('insert into canary_lane')) leases.push(nowMs);
    if (text.includes('from canary_lane')) return { owner: 'canary one', alive: true };
    return text.includes('from canary') ? { version: 'v2', percent: 100, state: 'running' } : { some: true };
  };
  const message = {
    seq: 1n,
    event_id: 'event',
    type: StockLevelChangedSchema.typeName,
    aggregate_id: 'sku',
    aggregate_version: 1n,
    payload: Buffer.alloc(0),
    traceparent: '',
    causation_id: '',
    canary: '',
    occurred_at: new Date(0),
  };
  const queryable = {
    rows: async () => [message],
    one: async ({ text }: Statement<unknown>) => answer(text),
    maybe: async ({ text }: Statement<unknown>) => answer(text),
    run: async ({ text }: Statement<unknown>) => {
      answer(text);
      return 1;
    },
  };
  const db = { ...queryable, transact: (body: (tx: Tx) => unknown) => body(queryable as unknown as Tx) };
  const definition = consumer({
    name: 'orders.levels',
    topic: topic('inventory.stock-events', file_stoa_inventory_v1_stock_events),
    on: [
      on(StockLevelChangedSchema, async () => {
        nowMs += WORK_MS;
        if (nowMs >= 5 * LEASE_MS) ending.abort();
      }),
    ],
  });
  await runCanaryLane(
    {
      definition,
      context: {},
      db: db as unknown as Database,
      bus: undefined as never,
      producer: undefined as never,
      instance: 'one',
      version: 'v2',
      clock: { now: () => new Date(nowMs), monotonicMs: () => nowMs, sleep: async () => {} },
      log: createLog('silent'),
      metrics: createMetrics({ processMetrics: false }),
      failpoints: NO_FAILPOINTS,
      lane: () => 'canary',
    },
    ending.signal,
  );
  const pauses = leases.slice(1).map((at, n) => at - (leases[n] as number));
  expect(leases.length).toBeGreaterThan(5);
  expect(Math.max(...pauses)).toBeLessThan(LEASE_MS);
});
