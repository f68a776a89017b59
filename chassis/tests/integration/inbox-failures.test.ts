// Who is to blame when a batch cannot be applied: a message, its size, or the moment.
import type { Database, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectApplied, expectListening, idsOf, openPipe, type Pipe, patience } from './pipe.ts';

let pipe: Pipe;
beforeEach(async () => {
  pipe = await openPipe();
});
afterEach(() => pipe.close());

const failure = (message: string, code: string) => Object.assign(new Error(message), { code });
const parked = () =>
  pipe.inbox.rows(sql<{ error: string; attempts: number }>`select error, attempts from parked_event order by seq`);

async function deliver(count: number, db = pipe.inbox as Database) {
  const records = await pipe.publish(count);
  const worker = pipe.startWorker({ db });
  await expectListening(pipe, 1);
  pipe.broker.deliver(1, ...records);
  return { records, worker };
}

describe('a message is to blame', () => {
  test('for what the database has against it, whatever that is called', async () => {
    pipe.state.fail = async () => {
      throw failure('new row violates check constraint "timeout_of_connection"', '23514');
    };
    await deliver(1);
    await expect
      .poll(parked, patience)
      .toEqual([{ error: expect.stringContaining('timeout_of_connection'), attempts: 5 }]);
  });

  test('for an error that PostgreSQL cannot store as it is', async () => {
    pipe.state.fail = async () => {
      throw new Error(`a\0b${'c'.repeat(5000)}`);
    };
    await deliver(1);
    await expect.poll(parked, patience).toEqual([{ error: `ab${'c'.repeat(1998)}`, attempts: 5 }]);
  });
});

describe('a message is not to blame', () => {
  test('for a primary that has become a standby', async () => {
    let left = 8;
    pipe.state.fail = async () => {
      if (left-- > 0) throw failure('cannot execute INSERT in a read-only transaction', '25006');
    };
    const { records } = await deliver(1);
    await expectApplied(pipe, idsOf(records));
    expect(await parked()).toEqual([]);
  });

  test('for what went wrong before its turn came', async () => {
    let left = 8;
    const { inbox } = pipe;
    const refusing = {
      ...inbox,
      transact: (body: (tx: Tx) => Promise<unknown>) =>
        inbox.transact((tx) => {
          const maybe: Tx['maybe'] = async (statement) => {
            if (statement.text.includes('update consumer_watermark') && left-- > 0) throw failure('no', 'XX000');
            return tx.maybe(statement);
          };
          return body({ ...tx, maybe });
        }),
    };
    const { records } = await deliver(1, refusing as Database);
    await expectApplied(pipe, idsOf(records));
    expect(await parked()).toEqual([]);
  });
});

describe('a batch that takes longer than the database allows', () => {
  const tooSlow = () => failure('canceling statement due to statement timeout', '57014');

  test('is tried in smaller parts', async () => {
    const sizes: number[] = [];
    pipe.state.fail = async (count) => {
      sizes.push(count);
      if (count > 4) throw tooSlow();
    };
    const { records } = await deliver(40);
    await expectApplied(pipe, idsOf(records));
    expect(Math.max(...sizes)).toBeGreaterThan(4);
    expect(await parked()).toEqual([]);
  });

  test('is told when even one message does, until it does not any more', async () => {
    let isSlow = true;
    pipe.state.fail = async () => {
      if (isSlow) throw tooSlow();
    };
    const { records, worker } = await deliver(3);
    await expect.poll(() => worker.stuck() ?? '', patience).toContain('takes longer than the database allows');
    isSlow = false;
    await expectApplied(pipe, idsOf(records));
    expect(worker.stuck()).toBeUndefined();
    expect(await parked()).toEqual([]);
  });
});
