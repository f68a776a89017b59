// What a producer answers about its outbox, past the broker.
import { Code, ConnectError } from '@connectrpc/connect';
import { sql } from '@stoa/chassis/postgres/sql';
import { reasonOf, violationsOf } from '@stoa/chassis/rpc/errors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { idsOf, levels, openPipe, type Pipe } from './pipe.ts';

let pipe: Pipe;
let ids: string[];
beforeAll(async () => {
  pipe = await openPipe();
  ids = idsOf(await pipe.publish(6));
});
afterAll(() => pipe.close());

const topic = levels.name;
const errorOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => ConnectError.from(error),
  );
const progress = () =>
  pipe.out.rows(
    sql<{ consumer: string; epoch: number; seq: bigint }>`select consumer, epoch, seq from consumer_progress`,
  );

describe('Replay', () => {
  test('answers what follows a sequence, in order, with everything a consumer needs', async () => {
    const { epoch, records } = await pipe.eventLog.replay({ topic, afterSequence: 2n });
    expect(epoch).toBe(1);
    expect(records.map(({ sequence, eventId }) => [sequence, eventId])).toEqual([
      [3n, ids[2]],
      [4n, ids[3]],
      [5n, ids[4]],
      [6n, ids[5]],
    ]);
    expect(records[0]).toMatchObject({
      type: 'stoa.inventory.v1.StockLevelChanged',
      aggregateId: 'sku-3',
      aggregateVersion: 1n,
    });
    expect(records[0]?.payload.length).toBeGreaterThan(0);
  });

  test('answers as many as asked, and nothing beyond the head', async () => {
    expect((await pipe.eventLog.replay({ topic, limit: 2 })).records).toHaveLength(2);
    expect((await pipe.eventLog.replay({ topic, afterSequence: 6n })).records).toEqual([]);
  });

  test('ends a page that grows large before its time, and goes on where it ended', async () => {
    const whole = await pipe.eventLog.replay({ topic });
    await pipe.out.run(sql`update outbox set payload = convert_to(repeat('x', 400000), 'UTF8')`);
    await pipe.out.run(sql`update outbox set payload = convert_to(repeat('x', 1500000), 'UTF8') where pub_seq = 4`);
    const pages: bigint[][] = [];
    for (let after = 0n; after < 6n; after = pages.at(-1)?.at(-1) as bigint) {
      const { records } = await pipe.eventLog.replay({ topic, afterSequence: after });
      pages.push(records.map(({ sequence }) => sequence));
    }
    expect(pages).toEqual([[1n, 2n, 3n], [4n], [5n, 6n]]);
    for (const { sequence, payload } of whole.records)
      await pipe.out.run(sql`update outbox set payload = ${payload} where pub_seq = ${sequence}`);
  });

  test('says nothing of what is not numbered yet', async () => {
    await pipe.write(1);
    expect((await pipe.eventLog.replay({ topic, afterSequence: 6n })).records).toEqual([]);
    await pipe.out.run(sql`delete from outbox where pub_seq is null`);
  });
});

describe('Sync', () => {
  const sync = (sequence: bigint, lastEventId: string, epoch = 1) =>
    pipe.eventLog.sync({ topic, consumer: 'catalog.levels', epoch, sequence, lastEventId });

  test('tells the head, and notes how far the consumer is when both agree on the event there', async () => {
    expect(await sync(0n, '', 0)).toMatchObject({ epoch: 1, head: 6n, consistent: true });
    expect(await sync(4n, ids[3] as string)).toMatchObject({ head: 6n, consistent: true });
    expect(await progress()).toEqual([{ consumer: 'catalog.levels', epoch: 1, seq: 4n }]);
  });

  test('says so when the event there is another one or none, and notes nothing', async () => {
    const before = await progress();
    expect(await sync(4n, ids[2] as string)).toMatchObject({ consistent: false });
    expect(await sync(7n, ids[5] as string)).toMatchObject({ consistent: false });
    expect(await progress()).toEqual(before);
  });
});

test('a topic of somebody else is not found, and a consumer must have a name', async () => {
  const calls = [
    pipe.eventLog.replay({ topic: 'orders.events' }),
    pipe.eventLog.sync({ topic: 'orders.events', consumer: 'x' }),
  ];
  for (const call of calls) {
    const error = await errorOf(call);
    expect([error?.code, reasonOf(error)]).toEqual([Code.NotFound, 'TOPIC_NOT_FOUND']);
  }
  const nameless = await errorOf(pipe.eventLog.sync({ topic, consumer: '' }));
  expect(violationsOf(nameless).map(({ field }) => field)).toEqual(['consumer']);
});
