// Live events: one broken view must not break the others.
import { create, toBinary } from '@bufbuild/protobuf';
import type { Bus } from '@stoa/chassis/events/bus';
import type { TopicRecord } from '@stoa/chassis/events/envelope';
import { liveEvents } from '@stoa/chassis/events/live-bus';
import { topic } from '@stoa/chassis/events/topic';
import { createLog } from '@stoa/chassis/log';
import {
  file_stoa_inventory_v1_stock_events,
  StockLevelChangedSchema,
} from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { expect, test } from 'vitest';

const levels = topic('inventory.stock-events', file_stoa_inventory_v1_stock_events);

test('a listener that throws does not keep an event from the others', () => {
  const watching: ((record: TopicRecord) => void)[] = [];
  const bus = { watch: (_topic: string, listener: (record: TopicRecord) => void) => watching.push(listener) };
  const live = liveEvents(bus as unknown as Bus, createLog('silent'));
  const seen: bigint[] = [];
  live.subscribe(levels, () => {
    throw new Error('a bug');
  });
  live.subscribe(levels, ({ sequence }) => void seen.push(sequence));
  const payload = toBinary(StockLevelChangedSchema, create(StockLevelChangedSchema, { sku: 'a', version: 1n }));
  const { typeName: type } = StockLevelChangedSchema;
  for (const pass of watching) pass({ sequence: 7n, type, payload } as TopicRecord);
  expect(seen).toEqual([7n]);
});
