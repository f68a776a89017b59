// Several replicas of a service on one database: one works, the others stand by, and nothing happens twice.
import { readHeads } from '@stoa/chassis/events/outbox';
import { sql } from '@stoa/chassis/postgres/sql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { idsOf, levels, openPipe, type Pipe } from './pipe.ts';

let pipe: Pipe;
beforeEach(async () => {
  pipe = await openPipe();
});
afterEach(() => pipe.close());

const patience = { timeout: 15_000, interval: 20 };
const expectApplied = (ids: string[]) => expect.poll(() => pipe.applied(), patience).toEqual(ids);
const listening = (count: number) => expect.poll(() => pipe.broker.listening(), patience).toBe(count);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => BigInt(index + 1));

describe('two replicas of a consumer', () => {
  test('apply what both are given once', async () => {
    const records = await pipe.publish(60);
    pipe.startWorker({ instance: 'one' });
    pipe.startWorker({ instance: 'two' });
    await listening(2);
    for (const record of records) pipe.broker.deliver(1, record);
    await expectApplied(idsOf(records));
    expect(await pipe.watermark()).toMatchObject({ seq: 60n });
  });

  test('take turns when the working one ends', async () => {
    const records = await pipe.publish(10);
    const one = pipe.startWorker({ instance: 'one' });
    await listening(1);
    pipe.broker.deliver(1, ...records.slice(0, 5));
    await expectApplied(idsOf(records.slice(0, 5)));
    pipe.startWorker({ instance: 'two' });
    await listening(2);
    await one.stop();
    pipe.broker.deliver(1, ...records.slice(5));
    await expectApplied(idsOf(records));
    expect((await pipe.watermark())?.owner).toBe('two');
  });

  test('take turns when the working one dies, once its lease is over', async () => {
    const records = await pipe.publish(5);
    await pipe.inbox.run(sql`
      insert into consumer_watermark (consumer, topic, owner, lease_until)
      values ('catalog.levels', ${levels.name}, 'dead', now() + interval '1 second')`);
    pipe.startWorker({ instance: 'two' });
    await listening(1);
    pipe.broker.deliver(1, ...records);
    await expectApplied(idsOf(records));
  });

  test('do not undo each other: who lost its lease without knowing applies nothing', async () => {
    const records = await pipe.publish(6);
    pipe.startWorker({ instance: 'one' });
    await listening(1);
    pipe.broker.deliver(1, ...records.slice(0, 3));
    await expectApplied(idsOf(records.slice(0, 3)));
    const lease = (owner: string, until: string) =>
      pipe.inbox.run(sql`update consumer_watermark set owner = ${owner}, lease_until = ${until}::timestamptz`);
    await lease('two', 'infinity');
    pipe.broker.deliver(1, ...records.slice(3));
    // The other one applies number 4 and dies.
    await pipe.inbox.transact(async (tx) => {
      const fourth = records[3]?.eventId as string;
      await tx.run(sql`update consumer_watermark set seq = 4, last_event_id = ${fourth}::uuid`);
      await tx.run(sql`insert into applied (event_id, sku, version) values (${fourth}, 'by two', 1)`);
    });
    await lease('two', '-infinity');
    await expectApplied(idsOf(records));
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
