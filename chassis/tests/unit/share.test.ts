// Which messages are the canary's: always the same aggregates, more of them as the share grows, and nothing overtakes.
import { HANDED_MAX, NO_SHARE, sortRecords } from '@stoa/chassis/events/apply';
import { consumer } from '@stoa/chassis/events/consumer';
import type { TopicRecord } from '@stoa/chassis/events/envelope';
import { laneOf } from '@stoa/chassis/events/lane';
import { bucketOf, isShared } from '@stoa/chassis/events/share';
import { topic } from '@stoa/chassis/events/topic';
import { file_stoa_inventory_v1_stock_events } from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const ids = Array.from({ length: 10_000 }, (_, n) => `order-${n}`);

describe('a share of the aggregates', () => {
  it('is as large as it says, within what chance allows', () => {
    for (const percent of [5, 25, 50, 75]) {
      const count = ids.filter((id) => isShared(id, percent)).length;
      // Four standard deviations of a binomial distribution.
      const tolerance = 4 * Math.sqrt(ids.length * (percent / 100) * (1 - percent / 100));
      expect(Math.abs(count - (ids.length * percent) / 100)).toBeLessThan(tolerance);
    }
    expect(ids.filter((id) => isShared(id, 0))).toEqual([]);
    expect(ids.filter((id) => isShared(id, 100))).toHaveLength(ids.length);
  });

  it('only grows: whatever was in a smaller share is in a larger one', () => {
    const percent = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), percent, percent, (id, a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        expect(!isShared(id, less) || isShared(id, more)).toBe(true);
      }),
    );
  });

  it('is the same in every process and every version', () => {
    expect(['sku-0', 'sku-1', 'order-1', ''].map(bucketOf)).toEqual([31, 6, 65, 10]);
  });
});

const definition = consumer({
  name: 'orders.levels',
  topic: topic('inventory.stock-events', file_stoa_inventory_v1_stock_events),
  on: [],
});
const record = (sequence: number, aggregateId: string, canary = ''): TopicRecord => ({
  sequence: BigInt(sequence),
  eventId: `event-${sequence}`,
  type: 'stoa.inventory.v1.StockLevelChanged',
  aggregateId,
  aggregateVersion: 0n,
  payload: new Uint8Array(),
  occurredAt: new Date(0),
  traceparent: '',
  causationId: '',
  canary,
});
const none = { blocked: new Set<string>(), failed: new Map(), share: NO_SHARE };
const sequences = (records: readonly TopicRecord[]) => records.map(({ sequence }) => Number(sequence));

describe('a batch is sorted', () => {
  const batch = [
    record(1, 'a'),
    record(2, 'b', 'orders'),
    record(3, 'b'),
    record(4, 'c', 'cart'),
    record(5, 'd', 'always'),
  ];

  it('into the stable version alone while no canary is at work, pins or not', () => {
    const { good, handed, parked } = sortRecords(definition, batch, none);
    expect([sequences(good), handed, parked]).toEqual([[1, 2, 3, 4, 5], [], []]);
  });

  it('so that pinned messages, and what follows them of their aggregate, are the canary’s', () => {
    const share = { percent: 0, handed: new Set<string>(), handedCount: 0 };
    const { good, handed } = sortRecords(definition, batch, { ...none, share });
    expect([sequences(good), sequences(handed)]).toEqual([
      [1, 4],
      [2, 3, 5],
    ]);
  });

  it('so that nothing overtakes what was handed over before, even when the canary is gone', () => {
    const share = { percent: null, handed: new Set(['a']), handedCount: 1 };
    const { good, handed } = sortRecords(definition, [record(6, 'a'), record(7, 'e')], { ...none, share });
    expect([sequences(good), sequences(handed)]).toEqual([[7], [6]]);
  });

  it('so that a canary that is slower than its share gets no more, but what follows what it has', () => {
    const share = { percent: 100, handed: new Set(['a']), handedCount: HANDED_MAX - 1 };
    const { good, handed } = sortRecords(
      definition,
      [record(6, 'a'), record(7, 'b'), record(8, 'c', 'orders'), record(9, 'a'), record(10, 'b')],
      { ...none, share },
    );
    expect([sequences(good), sequences(handed)]).toEqual([
      [7, 8, 10],
      [6, 9],
    ]);
    const last = sortRecords(definition, [record(7, 'b'), record(8, 'c'), record(9, 'b')], { ...none, share });
    expect([sequences(last.good), sequences(last.handed)]).toEqual([[8], [7, 9]]);
  });

  it('so that what stands behind a parked message is parked, not handed over', () => {
    const share = { percent: 100, handed: new Set<string>(), handedCount: 0 };
    const sorted = sortRecords(definition, [record(8, 'a'), record(9, 'b')], {
      ...none,
      blocked: new Set(['a']),
      share,
    });
    expect([sorted.parked.map((p) => Number(p.record.sequence)), sequences(sorted.handed)]).toEqual([[8], [9]]);
  });
});

describe('what a version is', () => {
  const canary = { version: 'v2', percent: 5, isRejected: false } as const;
  it.each([
    ['v1', undefined, 'stable'],
    ['v1', { ...canary, state: 'running' }, 'stable'],
    ['v2', { ...canary, state: 'running' }, 'canary'],
    ['v2', { ...canary, state: 'rolled back' }, 'silent'],
    ['v1', { ...canary, state: 'rolled back' }, 'stable'],
    ['v2', { ...canary, state: 'promoted' }, 'stable'],
    ['v3', { ...canary, state: 'running', isRejected: true }, 'silent'],
    ['v3', { ...canary, state: 'promoted', isRejected: true }, 'silent'],
    ['v3', { ...canary, state: 'rolled back', isRejected: true }, 'silent'],
  ] as const)('%s, given %j: %s', (version, row, lane) => {
    expect(laneOf(version, row)).toBe(lane);
  });
});
