// What one connection cannot show, step by step on a real PostgreSQL: writers whose transactions overlap, and sequencers
// that meet. Each step waits for the one before it; nothing here is left to chance.
import { insertOutbox, lockHeads, numberPending, openHeads, readWindow } from '@stoa/chassis/events/outbox';
import { createLog } from '@stoa/chassis/log';
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { systemRuntime } from '@stoa/chassis/runtime';
import { createTestDatabases, type TestDatabases } from '@stoa/chassis/testing/test-database';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';

const TOPIC = 'orders.events';
const runtime = systemRuntime();
let databases: TestDatabases;
let db: ReturnType<TestDatabases['open']>;

beforeAll(async () => {
  databases = await createTestDatabases({
    adminUrl: inject('postgresUrl'),
    runtime,
    log: createLog('error'),
    databases: { numbering: { folder: undefined, chassis: true } },
  });
  db = databases.open('numbering');
});
afterAll(() => databases?.drop());
beforeEach(async () => {
  await db.run(sql`delete from outbox`);
  await db.run(sql`delete from outbox_head`);
  await db.transact((tx) => openHeads(tx, [TOPIC]));
});

/** A transaction that stands still where the test wants it to. */
function hold(body: (tx: Tx) => Promise<unknown>) {
  const written = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const committed = db.transact(async (tx) => {
    await body(tx);
    written.resolve();
    await goOn.promise;
  });
  committed.catch(written.reject);
  const commit = () => {
    goOn.resolve();
    return committed;
  };
  return { written: written.promise, commit };
}

const write = (aggregateId: string) => (tx: Tx) =>
  insertOutbox(tx, [
    {
      eventId: runtime.ids.uuid(),
      topic: TOPIC,
      type: 'test',
      aggregateId,
      aggregateVersion: null,
      payload: new Uint8Array(),
      cause: { traceparent: '' },
    },
  ]);

async function number(tx: Tx): Promise<void> {
  await lockHeads(tx, [TOPIC]);
  await numberPending(tx, 500);
}

const numbered = async () => (await readWindow(db, TOPIC, 0n, 100)).map((r) => `${r.sequence} ${r.aggregateId}`);

test('an event that was written first and committed last gets the next number and is not missed', async () => {
  const slow = hold(write('slow'));
  await slow.written;
  await db.transact(write('quick'));
  await db.transact(number);
  expect(await numbered()).toEqual(['1 quick']);
  await slow.commit();
  await db.transact(number);
  expect(await numbered()).toEqual(['1 quick', '2 slow']);
});

test('a second sequencer waits for the first and gives no number twice', async () => {
  for (const name of ['a', 'b', 'c']) await db.transact(write(name));
  const first = hold(number);
  await first.written;
  const second = db.transact(number);
  // Written while both are under way: the second sees it, for it looks only after its lock.
  await db.transact(write('d'));
  await first.commit();
  await second;
  expect(await numbered()).toEqual(['1 a', '2 b', '3 c', '4 d']);
});

test('a cursor over ids would have lost the slow one', async () => {
  const slow = hold(write('slow'));
  await slow.written;
  await db.transact(write('quick'));
  const { cursor } = await db.one(sql<{ cursor: bigint }>`select max(id) as cursor from outbox`);
  await slow.commit();
  const missed = await db.rows(sql<{ aggregate_id: string }>`select aggregate_id from outbox where id < ${cursor}`);
  expect(missed).toEqual([{ aggregate_id: 'slow' }]);
});
