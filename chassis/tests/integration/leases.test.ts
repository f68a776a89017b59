// Several replicas of a service on one database: one works, the others stand by, and nothing happens twice.
import type { TopicRecord } from '@stoa/chassis/events/envelope';
import { parkRecords } from '@stoa/chassis/events/inbox';
import { readHeads } from '@stoa/chassis/events/outbox';
import { sql } from '@stoa/chassis/postgres/sql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectApplied, expectListening, idsOf, levels, openPipe, type Pipe, patience } from './pipe.ts';

let pipe: Pipe;
beforeEach(async () => {
  pipe = await openPipe();
});
afterEach(() => pipe.close());

const upTo = (count: number) => Array.from({ length: count }, (_, index) => BigInt(index + 1));

describe('two replicas of a consumer', () => {
  test('do not share what arrives: only the one that applies it listens', async () => {
    const records = await pipe.publish(60);
    pipe.startWorker({ instance: 'one' });
    pipe.startWorker({ instance: 'two' });
    await expectListening(pipe, 1);
    for (const record of records) pipe.broker.deliver(1, record);
    await expectApplied(pipe, idsOf(records));
    expect(pipe.broker.listening()).toBe(1);
    expect(await pipe.watermark()).toMatchObject({ seq: 60n });
  });

  test('take turns when the working one ends', async () => {
    const records = await pipe.publish(10);
    const one = pipe.startWorker({ instance: 'one' });
    await expectListening(pipe, 1);
    pipe.broker.deliver(1, ...records.slice(0, 5));
    await expectApplied(pipe, idsOf(records.slice(0, 5)));
    pipe.startWorker({ instance: 'two' });
    await one.stop();
    await expectListening(pipe, 1);
    pipe.broker.deliver(1, ...records.slice(5));
    await expectApplied(pipe, idsOf(records));
    expect((await pipe.watermark())?.owner).toBe('two');
  });

  test('take turns when the working one dies, once its lease is over', async () => {
    const records = await pipe.publish(5);
    await pipe.inbox.run(sql`
      insert into consumer_watermark (consumer, topic, owner, lease_until)
      values ('catalog.levels', ${levels.name}, 'dead', now() + interval '1 second')`);
    pipe.startWorker({ instance: 'two' });
    await expectListening(pipe, 1);
    pipe.broker.deliver(1, ...records);
    await expectApplied(pipe, idsOf(records));
  });

  test('do not undo each other: who lost its lease without knowing applies nothing', async () => {
    const records = await pipe.publish(6);
    pipe.startWorker({ instance: 'one' });
    await expectListening(pipe, 1);
    pipe.broker.deliver(1, ...records.slice(0, 3));
    await expectApplied(pipe, idsOf(records.slice(0, 3)));
    const lease = (owner: string, until: string) =>
      pipe.inbox.run(sql`update consumer_watermark set owner = ${owner}, lease_until = ${until}::timestamptz`);
    await lease('two', 'infinity');
    pipe.broker.deliver(1, ...records.slice(3));
    await expectListening(pipe, 0);
    expect(pipe.broker.returned).toEqual(idsOf(records.slice(3)));
    // The other one applies number 4 and dies.
    await pipe.inbox.transact(async (tx) => {
      const fourth = records[3]?.eventId as string;
      await tx.run(sql`update consumer_watermark set seq = 4, last_event_id = ${fourth}::uuid`);
      await tx.run(sql`insert into applied (event_id, sku, version) values (${fourth}, 'by two', 1)`);
    });
    await lease('two', '-infinity');
    await expectApplied(pipe, idsOf(records));
  });

  test('keep each aggregate in order: who takes its place back knows what was parked meanwhile', async () => {
    let isAway = true;
    const whenBack = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
      return async (...args: A) => {
        if (isAway) throw new Error('the producer is away');
        return call(...args);
      };
    };
    const { replay, sync } = pipe.producer;
    pipe.startWorker({ instance: 'one', producer: { replay: whenBack(replay), sync: whenBack(sync) } });
    await expectListening(pipe, 1);
    const records = await pipe.publish(2, 'sku-of-both');
    // While this one stands still, the other one takes its place, parks number 1 and dies.
    await pipe.inbox.transact(async (tx) => {
      const [first] = records as [TopicRecord];
      await parkRecords(tx, 'catalog.levels', levels.name, [{ record: first, error: 'no', attempts: 5 }]);
      await tx.run(sql`
        update consumer_watermark set owner = 'two', lease_until = '-infinity', epoch = 1, seq = 1,
          last_event_id = ${first.eventId}::uuid`);
    });
    isAway = false;
    await expect.poll(async () => (await pipe.watermark())?.seq, patience).toBe(2n);
    expect(await pipe.applied()).toEqual([]);
  });
});

describe('two replicas of a publisher', () => {
  test('number every event once and send all of them in their order', async () => {
    pipe.startPublisher('one');
    pipe.startPublisher('two');
    await pipe.write(80);
    await expect.poll(() => pipe.broker.published.length, patience).toBe(80);
    expect(pipe.broker.published).toEqual(upTo(80));
    const numbers = await pipe.out.one(sql<{ count: bigint; distinct: bigint; max: bigint }>`
      select count(*), count(distinct pub_seq) as distinct, max(pub_seq) from outbox`);
    expect(numbers).toEqual({ count: 80n, distinct: 80n, max: 80n });
  });

  test('take turns when the working one ends: nothing is left out, and what is sent again is in order', async () => {
    const one = pipe.startPublisher('one');
    await pipe.write(30);
    await expect.poll(() => new Set(pipe.broker.published).size, patience).toBe(30);
    pipe.startPublisher('two');
    await one.stop();
    await pipe.write(30);
    await expect.poll(() => new Set(pipe.broker.published).size, patience).toBe(60);
    expect([...new Set(pipe.broker.published)]).toEqual(upTo(60));
    expect((await readHeads(pipe.out, [levels.name]))[0]?.seq).toBe(60n);
  });
});
