// What may be published at all.
import { createPublish } from '@stoa/chassis/events/publish';
import type { Tx } from '@stoa/chassis/postgres/database';
import { systemRuntime } from '@stoa/chassis/runtime';
import { StockLevelChangedSchema } from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { expect, test } from 'vitest';

test('an event that is too large to travel fails its transaction, and not its topic', () => {
  const publish = createPublish(systemRuntime().ids);
  const tx = { outbox: [], cause: { traceparent: '' } } as unknown as Tx;
  const level = (length: number) => ({ sku: 'x'.repeat(length), version: 1n });
  publish(tx, StockLevelChangedSchema, level(500 * 1024));
  expect(() => publish(tx, StockLevelChangedSchema, level(512 * 1024))).toThrow('too large');
  expect(tx.outbox).toHaveLength(1);
});
