import { deleteExpired } from '@stoa/chassis/events/retention';
import { sql } from '@stoa/chassis/postgres/sql';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { idsOf, levels, openPipe, type Pipe } from './pipe.ts';

let pipe: Pipe;
let ids: string[];
beforeEach(async () => {
  pipe = await openPipe();
  ids = idsOf(await pipe.publish(5));
});
afterEach(() => pipe.close());

const age = (days: number) => pipe.out.run(sql`update outbox set created_at = now() - make_interval(days => ${days})`);
const consumed = (consumer: string, sequence: number) =>
  pipe.eventLog.sync({
    topic: levels.name,
    consumer,
    epoch: 1,
    sequence: BigInt(sequence),
    lastEventId: ids[sequence - 1] as string,
  });
const kept = async () => {
  await deleteExpired(pipe.out, levels.name);
  const rows = await pipe.out.rows(sql<{ seq: bigint }>`select pub_seq as seq from outbox order by pub_seq`);
  return rows.map(({ seq }) => Number(seq));
};

test('events are kept while no consumer is known', async () => {
  await age(30);
  expect(await kept()).toEqual([1, 2, 3, 4, 5]);
});

test('events are kept for seven days, applied or not', async () => {
  await consumed('catalog.levels', 5);
  await age(6);
  expect(await kept()).toEqual([1, 2, 3, 4, 5]);
});

test('then those are deleted that every consumer has applied, but not the one at which the slowest stands', async () => {
  await consumed('catalog.levels', 5);
  await consumed('bff.levels', 3);
  await age(8);
  expect(await kept()).toEqual([3, 4, 5]);
  // It still finds its place.
  expect((await consumed('bff.levels', 3)).consistent).toBe(true);
});

test('what is left has no gaps, although an older event got a later number', async () => {
  await consumed('catalog.levels', 5);
  await age(8);
  await pipe.out.run(sql`update outbox set created_at = now() - interval '6 days' where pub_seq = 2`);
  expect(await kept()).toEqual([2, 3, 4, 5]);
  await age(8);
  expect(await kept()).toEqual([5]);
});
