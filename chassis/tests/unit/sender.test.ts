// What a sender sends, against a broker and a table that are lists.
import type { Bus } from '@stoa/chassis/events/bus';
import { createSender } from '@stoa/chassis/events/sender';
import { NO_FAILPOINTS } from '@stoa/chassis/failpoint';
import { createLog } from '@stoa/chassis/log';
import type { Database } from '@stoa/chassis/postgres/database';
import type { Statement } from '@stoa/chassis/postgres/sql';
import { systemRuntime } from '@stoa/chassis/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';

const TOPIC = 'test.events';
const { clock } = systemRuntime();
const HEAD = { topic: TOPIC, epoch: 1, seq: 0n, published: 0n, streamCreated: 'once', streamLastSeq: 0n };

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, n) => BigInt(first + n));
const record = (sequence: bigint) => ({
  topic: TOPIC,
  sequence,
  eventId: `event ${sequence}`,
  type: 'test',
  aggregateId: 'one',
  aggregateVersion: 0n,
  payload: Buffer.alloc(0),
  occurredAt: new Date(0),
  traceparent: '',
  causationId: '',
  canary: '',
});

/** A table that has all numbers up to the last one given. */
function table(last: () => bigint): Database {
  const rows = async ({ values }: Statement<unknown>) => {
    const after = values[1] as bigint;
    const limit = values[2] as number;
    const numbers = upTo(Number(last())).filter((sequence) => sequence > after);
    return numbers.slice(0, limit).map((pub_seq) => ({ topic: TOPIC, pub_seq, event_id: `event ${pub_seq}` }));
  };
  return { rows, run: async () => 1 } as unknown as Database;
}

let ending: AbortController;
beforeEach(() => {
  ending = new AbortController();
});
afterEach(() => ending.abort());

function startSender(onPublish: (sequences: readonly bigint[]) => Promise<void> = async () => {}) {
  const sent: (readonly [number, bigint])[] = [];
  const bus = {
    connected: () => true,
    openStream: async () => ({ created: 'once', lastSeq: 0n }),
    sendBeacon: () => {},
    async publish(_topic: string, epoch: number, records: readonly { readonly sequence: bigint }[]) {
      sent.push(...records.map(({ sequence }) => [epoch, sequence] as const));
      await onPublish(records.map(({ sequence }) => sequence));
      return 0n;
    },
  };
  const log = createLog('silent');
  const sender = createSender(TOPIC, HEAD, {
    db: table(() => sender.head().seq),
    bus: bus as unknown as Bus,
    clock,
    log,
    failpoints: NO_FAILPOINTS,
    active: () => true,
  });
  const run = () => void sender.run(ending.signal);
  return { sender, sent, run };
}

test('nothing is left out when more is numbered than is kept in memory', async () => {
  const { sender, sent, run } = startSender();
  for (const [first, last] of [
    [1, 500],
    [501, 1000],
    [1001, 1500],
    [1501, 1520],
  ] as const)
    sender.add(upTo(last, first).map(record));
  run();
  await expect.poll(() => sender.head().published).toBe(1520n);
  expect(sent.map(([, sequence]) => sequence)).toEqual(upTo(1520));
});

test('what was under way in an epoch that is over does not count for the next one', async () => {
  const release = Promise.withResolvers<void>();
  const { sender, sent, run } = startSender(async (sequences) => {
    if (sequences.length === 5) await release.promise;
  });
  sender.add(upTo(5).map(record));
  run();
  await expect.poll(() => sent.length).toBe(5);
  sender.reset({ ...HEAD, epoch: 2, seq: 4n, published: 3n });
  release.resolve();
  await expect.poll(() => sent.slice(5)).toEqual([[2, 4n]]);
  await expect.poll(() => sender.head().published).toBe(4n);
});
