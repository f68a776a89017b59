// A producer's database may become another one: after a failover it is the same history under a new epoch, after a
// restore it may lack what consumers have seen. The consumer must go on in the first case and stop in the second.
import { openHeads, readHeads } from '@stoa/chassis/events/outbox';
import { sql } from '@stoa/chassis/postgres/sql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectApplied, expectListening, idsOf, levels, openPipe, type Pipe, patience } from './pipe.ts';

let pipe: Pipe;
beforeEach(async () => {
  pipe = await openPipe();
});
afterEach(() => pipe.close());

describe('after a failover that lost nothing', () => {
  test('a consumer goes on, and what was under way from before comes from the producer', async () => {
    const before = await pipe.publish(5);
    pipe.startWorker();
    await expectListening(pipe, 1);
    pipe.broker.deliver(1, ...before.slice(0, 3));
    await expectApplied(pipe, idsOf(before.slice(0, 3)));
    await pipe.out.run(sql`update outbox_head set epoch = 2`);
    pipe.broker.beacon(2, 5n);
    pipe.broker.deliver(1, ...before.slice(3));
    await expectApplied(pipe, idsOf(before));
    const after = await pipe.publish(2);
    pipe.broker.deliver(2, ...after);
    await expectApplied(pipe, idsOf([...before, ...after]));
    expect(await pipe.watermark()).toMatchObject({ epoch: 2, seq: 7n });
  });

  test('a consumer that was away meanwhile does the same', async () => {
    const before = await pipe.publish(5);
    const worker = pipe.startWorker();
    await expectListening(pipe, 1);
    pipe.broker.deliver(1, ...before.slice(0, 3));
    await expectApplied(pipe, idsOf(before.slice(0, 3)));
    await worker.stop();
    await pipe.out.run(sql`update outbox_head set epoch = 2`);
    pipe.startWorker();
    await expectListening(pipe, 1);
    pipe.broker.deliver(1, ...before.slice(3));
    await expectApplied(pipe, idsOf(before));
    expect(pipe.broker.acknowledged).toEqual(expect.arrayContaining(idsOf(before)));
  });

  test('what never was in the new history takes no effect, although it was under way', async () => {
    const before = await pipe.publish(5);
    pipe.startWorker();
    await expectListening(pipe, 1);
    pipe.broker.deliver(1, ...before.slice(0, 3));
    await expectApplied(pipe, idsOf(before.slice(0, 3)));
    await pipe.restoreProducer(3, 2);
    const after = await pipe.publish(2);
    // Number 4 of the lost future and number 5 of the new history arrive together, without a gap between them.
    pipe.broker.deliver(1, ...before.slice(3, 4));
    pipe.broker.deliver(2, ...after.slice(1));
    await expectApplied(pipe, idsOf([...before.slice(0, 3), ...after]));
  });
});

describe('a producer that was restored to before what a consumer has applied', () => {
  const stopped = (worker: { stuck(): string | undefined }) =>
    expect.poll(() => worker.stuck() ?? '', patience).toContain('was restored to an earlier state');

  async function appliedFive() {
    const before = await pipe.publish(5);
    const worker = pipe.startWorker();
    await expectListening(pipe, 1);
    pipe.broker.deliver(1, ...before);
    await expectApplied(pipe, idsOf(before));
    expect(worker.stuck()).toBeUndefined();
    await pipe.restoreProducer(3, 2);
    return { before, worker, after: await pipe.publish(4) };
  }

  test('stops it when the next message tells', async () => {
    const { before, worker, after } = await appliedFive();
    pipe.broker.deliver(2, ...after);
    await stopped(worker);
    await expectApplied(pipe, idsOf(before));
  });

  test('stops it when only the head tells', async () => {
    const { before, worker } = await appliedFive();
    pipe.broker.beacon(2, 7n);
    await stopped(worker);
    await expectApplied(pipe, idsOf(before));
  });

  test('stops it when nothing tells, by asking now and then', async () => {
    const { before, worker } = await appliedFive();
    await stopped(worker);
    await expectApplied(pipe, idsOf(before));
  });

  test('does not believe that the consumer has what is now at its place', async () => {
    const progress = () => pipe.out.rows(sql`select epoch, seq from consumer_progress`);
    const { worker } = await appliedFive();
    const before = await progress();
    await stopped(worker);
    expect(await progress()).toEqual(before);
  });

  test('lets it go on once an operator has set the watermark to where both agree', async () => {
    const { before, worker, after } = await appliedFive();
    pipe.broker.beacon(2, 7n);
    await stopped(worker);
    const third = before[2]?.eventId as string;
    await pipe.inbox.run(sql`update consumer_watermark set seq = 3, last_event_id = ${third}::uuid`);
    await expectApplied(pipe, idsOf([...before, ...after]));
    await expect.poll(() => worker.stuck(), patience).toBeUndefined();
  });
});

describe('a database that becomes another one under those that run', () => {
  const head = async () => (await readHeads(pipe.out, [levels.name]))[0];
  const sent = () => pipe.broker.published.map((sequence, n) => [pipe.broker.epochs[n], sequence]);

  test('has its numbers given again in a new epoch, and sent, although they were sent before', async () => {
    pipe.startPublisher('one');
    await pipe.write(5);
    await expect.poll(async () => (await head())?.published, patience).toBe(5n);
    await pipe.failOver(3);
    await pipe.write(2);
    await expect
      .poll(() => sent().slice(5), patience)
      .toEqual([
        [2, 4n],
        [2, 5n],
      ]);
    expect(await head()).toMatchObject({ epoch: 2, seq: 5n });
  });

  test('stops a consumer that has applied what the new one lacks', async () => {
    pipe.broker.state.passesOn = true;
    const worker = pipe.startWorker();
    await expectListening(pipe, 1);
    pipe.startPublisher('one');
    await pipe.write(5);
    await expect.poll(async () => (await pipe.applied()).length, patience).toBe(5);
    await pipe.failOver(3);
    await pipe.write(4);
    await expect.poll(() => worker.stuck() ?? '', patience).toContain('was restored to an earlier state');
    expect(await pipe.applied()).toHaveLength(5);
  });

  test('is known to a publisher that works, when another replica finds it first', async () => {
    pipe.startPublisher('one');
    await pipe.write(1);
    await expect.poll(() => sent(), patience).toEqual([[1, 1n]]);
    await pipe.out.run(sql`update outbox_head set timeline = timeline - 1`);
    await pipe.out.transact((tx) => openHeads(tx, [levels.name]));
    await expect.poll(() => pipe.broker.beacons.at(-1), patience).toEqual({ epoch: 2, head: 1n });
  });

  test('is found by a consumer even when the epoch stays, as in a logical restore', async () => {
    const before = await pipe.publish(5);
    const worker = pipe.startWorker();
    await expectListening(pipe, 1);
    pipe.broker.deliver(1, ...before);
    await expectApplied(pipe, idsOf(before));
    await pipe.restoreProducer(3, 1);
    pipe.broker.deliver(1, ...(await pipe.publish(4)));
    await expect.poll(() => worker.stuck() ?? '', patience).toContain('was restored to an earlier state');
    expect(await pipe.applied()).toEqual(idsOf(before));
  });
});

test('a consumer that cannot ask whether the new history is its own applies nothing until it can', async () => {
  const before = await pipe.publish(3);
  let asked = 0;
  let isDown = false;
  pipe.startWorker({
    producer: {
      ...pipe.producer,
      async sync(...args) {
        asked++;
        if (isDown) throw new Error('the producer is down');
        return pipe.producer.sync(...args);
      },
    },
  });
  await expectListening(pipe, 1);
  pipe.broker.deliver(1, ...before);
  await expectApplied(pipe, idsOf(before));
  isDown = true;
  await pipe.out.run(sql`update outbox_head set epoch = 2`);
  const after = await pipe.publish(2);
  const from = asked;
  pipe.broker.deliver(2, ...after);
  await expect.poll(() => asked, patience).toBeGreaterThan(from + 1);
  expect(await pipe.applied()).toEqual(idsOf(before));
  isDown = false;
  await expectApplied(pipe, idsOf([...before, ...after]));
});

test('an error of the connection says nothing about the message: it is tried again for as long as it takes', async () => {
  const [only] = await pipe.publish(1);
  let left = 8;
  pipe.state.fail = async () => {
    if (left-- > 0) throw Object.assign(new Error('write'), { code: 'EPIPE' });
  };
  pipe.startWorker();
  await expectListening(pipe, 1);
  if (only !== undefined) pipe.broker.deliver(1, only);
  await expectApplied(pipe, [only?.eventId as string]);
  expect(await pipe.inbox.rows(sql`select seq from parked_event`)).toEqual([]);
});
