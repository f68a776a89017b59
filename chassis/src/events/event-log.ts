// EventLogService: what a producer answers about its outbox, and the consumer's side of the same contract.
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Client, ServiceImpl } from '@connectrpc/connect';
import type { EventLogService } from '@stoa/proto/stoa/chassis/v1/event_log_pb';
import type { Database, Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import { notFound } from '../rpc/errors.ts';
import { validate } from '../rpc/validate.ts';
import type { TopicRecord } from './envelope.ts';
import { readHeads, readWindow } from './outbox.ts';
import type { Producer } from './producer.ts';

const REPLAY_MAX = 500;

/** Serves Replay and Sync for the topics that this service owns. */
export function eventLogHandlers(db: Database, topics: readonly string[]): ServiceImpl<typeof EventLogService> {
  const headOf = async (topic: string) => {
    const head = topics.includes(topic) ? (await readHeads(db, [topic]))[0] : undefined;
    if (head === undefined) throw notFound('TOPIC_NOT_FOUND', `this service does not own the topic ${topic}`);
    return head;
  };
  return {
    async replay({ topic, afterSequence, limit }) {
      const { epoch } = await headOf(topic);
      const count = Math.min(limit === 0 ? REPLAY_MAX : limit, REPLAY_MAX);
      const records = await readWindow(db, topic, afterSequence, count);
      return {
        epoch,
        records: records.map((record) => ({ ...record, occurredAt: timestampFromDate(record.occurredAt) })),
      };
    },
    async sync({ topic, consumer, epoch, sequence, lastEventId }) {
      validate((checks) => checks.text('consumer', consumer, 1, 200));
      const head = await headOf(topic);
      const consistent = sequence === 0n || (await eventAt(db, topic, sequence)) === lastEventId;
      // A consumer ahead of this outbox must not make a publisher believe that its events arrived.
      if (consistent) await saveProgress(db, { topic, consumer, epoch, sequence });
      return { epoch: head.epoch, head: head.seq, consistent };
    },
  };
}

async function eventAt(db: Queryable, topic: string, sequence: bigint): Promise<string | undefined> {
  const row = await db.maybe(sql<{ event_id: string }>`
    select event_id from outbox where topic = ${topic} and pub_seq = ${sequence}`);
  return row?.event_id;
}

interface Progress {
  readonly topic: string;
  readonly consumer: string;
  readonly epoch: number;
  readonly sequence: bigint;
}

async function saveProgress(db: Queryable, { topic, consumer, epoch, sequence }: Progress): Promise<void> {
  await db.run(sql`
    insert into consumer_progress as p (consumer, topic, epoch, seq)
    values (${consumer}, ${topic}, ${epoch}, ${sequence})
    on conflict (consumer, topic) do update set epoch = excluded.epoch, seq = excluded.seq, seen_at = now()
    where p.seq <> excluded.seq or p.epoch <> excluded.epoch or p.seen_at < now() - interval '1 minute'`);
}

/** A producer behind its EventLogService client. */
export function remoteProducer(client: Client<typeof EventLogService>): Producer {
  return {
    async replay(topic, after, signal) {
      const answer = await client.replay({ topic, afterSequence: after, limit: REPLAY_MAX }, { signal });
      const records = answer.records.map(
        (record): TopicRecord => ({
          ...record,
          occurredAt: record.occurredAt === undefined ? new Date(0) : timestampDate(record.occurredAt),
        }),
      );
      return { epoch: answer.epoch, records };
    },
    async sync(topic, consumer, { epoch, seq, lastEventId }, signal) {
      return client.sync({ topic, consumer, epoch, sequence: seq, lastEventId }, { signal });
    },
  };
}
