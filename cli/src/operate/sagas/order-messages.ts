// Every message about one order, from every service's outbox, and how far each consumer of it is.
import type { Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { ShopData } from '../shop-data.ts';
import { CONSUMERS, type Consumer, SERVICE_DATABASES } from '../topology.ts';

export interface OrderMessage {
  readonly eventId: string;
  readonly service: string;
  readonly topic: string;
  readonly type: string;
  /** null until it is numbered, which is a moment after its commit. */
  readonly sequence: bigint | null;
  readonly at: Date;
  readonly causationId: string | null;
  readonly traceparent: string;
}

/** Ids rise with time, but for transactions that overlap: a minute covers the longest. */
const OVERLAP_MS = 60_000;
const SEARCH_UNTIL = 1000n;

/**
 * The row from which on everything since a moment is found. The outbox has no index on time, and commands none on their
 * aggregate: one would cost every order something that only an operator needs.
 */
async function firstIdSince(db: Queryable, since: Date): Promise<bigint> {
  const { max } = await db.one(sql<{ max: bigint | null }>`select max(id) as max from outbox`);
  let [low, high] = [0n, (max ?? 0n) + 1n];
  while (high - low > SEARCH_UNTIL) {
    const middle = (low + high) / 2n;
    const row = await db.maybe(sql<{ at: Date }>`
      select created_at as at from outbox where id >= ${middle} order by id limit 1`);
    if (row !== undefined && row.at < since) low = middle;
    else high = middle;
  }
  return low;
}

export async function messagesOf(data: ShopData, orderId: string, placedAt: Date): Promise<OrderMessage[]> {
  const since = new Date(placedAt.getTime() - OVERLAP_MS);
  const found = await Promise.all(
    SERVICE_DATABASES.filter((name) => data.has(name)).map(async (service) => {
      const db = data.at(service);
      const low = await firstIdSince(db, since);
      const rows = await db.rows(sql<Omit<OrderMessage, 'service'>>`
        select event_id as "eventId", topic, type, pub_seq as sequence, created_at as at,
          causation_id as "causationId", traceparent
        from outbox where id >= ${low} and aggregate_id = ${orderId} order by id limit 5000`);
      return rows.map((row) => ({ ...row, service }));
    }),
  );
  return found.flat().sort((a, b) => a.at.getTime() - b.at.getTime());
}

/** How far a consumer is, and whether it lives. */
export interface ConsumerPlace {
  readonly consumer: string;
  readonly service: string;
  readonly topic: string;
  readonly seq: bigint;
  /** The last number given in the topic. */
  readonly head: bigint;
  /** Seconds since its lease ended; negative while it lives. A lease is renewed every three seconds, for ten. */
  readonly silentSeconds: number;
  /** It applied an event that the producer does not have: the producer's database was restored to an earlier state. */
  readonly diverged: boolean;
}

/** Where the consumers of these topics stand. One that never ran stands at 0 and has been silent for ever. */
export async function consumerPlaces(data: ShopData, topics: ReadonlySet<string>): Promise<ConsumerPlace[]> {
  const wanted = CONSUMERS.filter(({ topic, service }) => topics.has(topic.name) && data.has(service));
  return Promise.all(wanted.map((consumer) => placeOf(data, consumer)));
}

async function placeOf(data: ShopData, { name, service, topic }: Consumer): Promise<ConsumerPlace> {
  const mark = await data.at(service).maybe(sql<{ seq: bigint; lastEventId: string | null; silent: number }>`
    select seq, last_event_id as "lastEventId",
      extract(epoch from now() - greatest(lease_until, now() - interval '1000 days'))::float8 as silent
    from consumer_watermark where consumer = ${name} and topic = ${topic.name}`);
  const seq = mark?.seq ?? 0n;
  const producer = data.has(topic.owner) ? data.at(topic.owner) : undefined;
  const head = await producer?.maybe(sql<{ seq: bigint }>`select seq from outbox_head where topic = ${topic.name}`);
  // The producer's event at the watermark is kept: retention deletes only what is below it.
  const same = await producer?.maybe(sql<{ eventId: string }>`
    select event_id as "eventId" from outbox where topic = ${topic.name} and pub_seq = ${seq}`);
  return {
    consumer: name,
    service,
    topic: topic.name,
    seq,
    head: head?.seq ?? 0n,
    silentSeconds: mark?.silent ?? Number.POSITIVE_INFINITY,
    diverged: producer !== undefined && mark?.lastEventId != null && same?.eventId !== mark.lastEventId,
  };
}
