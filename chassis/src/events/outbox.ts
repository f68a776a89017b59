// The outbox' SQL: writing events, numbering them after commit, reading windows of them.
import type { Queryable, Tx } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import type { OutboxRecord, TopicRecord } from './envelope.ts';

/** Writes events in the order they were published; how many. One statement whatever their number. */
export function insertOutbox(tx: Queryable, records: readonly OutboxRecord[]): Promise<number> {
  return tx.run(sql`
    insert into outbox (event_id, topic, type, aggregate_id, aggregate_version, payload, traceparent, causation_id,
      canary)
    select event_id, topic, type, aggregate_id, aggregate_version, payload, traceparent, nullif(causation_id, '')::uuid,
      canary
    from unnest(
      ${records.map((r) => r.eventId)}::uuid[], ${records.map((r) => r.topic)}::text[],
      ${records.map((r) => r.type)}::text[], ${records.map((r) => r.aggregateId)}::text[],
      ${records.map((r) => r.aggregateVersion)}::bigint[], ${records.map((r) => r.payload)}::bytea[],
      ${records.map((r) => r.cause.traceparent)}::text[], ${records.map((r) => r.cause.causationId ?? '')}::text[],
      ${records.map((r) => r.cause.canary ?? '')}::text[]
    ) with ordinality
      as r (event_id, topic, type, aggregate_id, aggregate_version, payload, traceparent, causation_id, canary, position)
    order by position`);
}

export interface Head {
  readonly topic: string;
  readonly epoch: number;
  readonly seq: bigint;
  readonly published: bigint;
  readonly streamCreated: string;
  readonly streamLastSeq: bigint;
}

/** A head as it was locked. */
export interface LockedHead extends Head {
  /** The database is on another timeline than when the epoch began: a failover, or a restore. */
  readonly hasTurned: boolean;
}

interface HeadRow {
  topic: string;
  epoch: number;
  seq: bigint;
  published: bigint;
  stream_created: string;
  stream_last_seq: bigint;
}

const toHead = (row: HeadRow): Head => ({
  topic: row.topic,
  epoch: row.epoch,
  seq: row.seq,
  published: row.published,
  streamCreated: row.stream_created,
  streamLastSeq: row.stream_last_seq,
});

/**
 * Creates the heads of a service's topics, and begins a new epoch where the database's timeline has changed. The timeline
 * is that of the log file that is written now: pg_control_checkpoint() tells the old one until a promoted server has made
 * its first checkpoint, and gives numbers out meanwhile.
 */
export async function openHeads(tx: Tx, topics: readonly string[]): Promise<void> {
  await tx.run(sql`
    insert into outbox_head (topic, timeline)
    select topic, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int
    from unnest(${topics}::text[]) as t (topic)
    on conflict (topic) do update
    set epoch = outbox_head.epoch + 1, timeline = excluded.timeline
    where outbox_head.timeline <> excluded.timeline`);
}

/** Takes or renews the publisher's lease on all topics; their heads, or undefined when another replica holds it. */
export async function leaseHeads(
  db: Queryable,
  topics: readonly string[],
  owner: string,
  leaseSeconds: number,
): Promise<Head[] | undefined> {
  const rows = await db.rows(sql<HeadRow>`
    update outbox_head set owner = ${owner}, lease_until = now() + make_interval(secs => ${leaseSeconds})
    where topic = any(${topics}::text[]) and (owner = ${owner} or lease_until < now())
    returning topic, epoch, seq, published, stream_created, stream_last_seq`);
  return rows.length === topics.length ? rows.map(toHead) : undefined;
}

/**
 * Locks the heads: the fence under which alone events may be numbered. Must be a statement of its own, see below. Fails
 * on a standby, as it must.
 */
export async function lockHeads(tx: Tx, topics: readonly string[]): Promise<LockedHead[]> {
  const rows = await tx.rows(sql<HeadRow & { turned: boolean }>`
    select topic, epoch, seq, published, stream_created, stream_last_seq,
      timeline <> ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int as turned
    from outbox_head where topic = any(${topics}::text[]) order by topic for update`);
  return rows.map((row) => ({ ...toHead(row), hasTurned: row.turned }));
}

/** The heads as they stand, without a lock. */
export async function readHeads(db: Queryable, topics: readonly string[]): Promise<Head[]> {
  const rows = await db.rows(sql<HeadRow>`
    select topic, epoch, seq, published, stream_created, stream_last_seq
    from outbox_head where topic = any(${topics}::text[]) order by topic`);
  return rows.map(toHead);
}

export interface NumberedRecord extends TopicRecord {
  readonly topic: string;
}

interface RecordRow {
  topic: string;
  pub_seq: bigint;
  event_id: string;
  type: string;
  aggregate_id: string;
  aggregate_version: bigint | null;
  payload: Buffer;
  created_at: Date;
  traceparent: string;
  causation_id: string | null;
  canary: string;
}

const toRecord = (row: RecordRow): NumberedRecord => ({
  topic: row.topic,
  sequence: row.pub_seq,
  eventId: row.event_id,
  type: row.type,
  aggregateId: row.aggregate_id,
  aggregateVersion: row.aggregate_version ?? 0n,
  payload: row.payload,
  occurredAt: row.created_at,
  traceparent: row.traceparent,
  causationId: row.causation_id ?? '',
  canary: row.canary,
});

/**
 * Numbers committed events in id order and moves the heads. Call it after `lockHeads` in the same transaction: a
 * single statement that locks and selects would see a snapshot older than its own lock and number rows twice.
 */
export async function numberPending(tx: Tx, limit: number): Promise<NumberedRecord[]> {
  const rows = await tx.rows(sql<RecordRow>`
    with pending as (
      select id, topic, row_number() over (partition by topic order by id) as n
      from (select id, topic from outbox where pub_seq is null order by id limit ${limit}) as lowest
    ), moved as (
      update outbox_head h set seq = h.seq + c.n
      from (select topic, max(n) as n from pending group by topic) as c where h.topic = c.topic
      returning h.topic, h.seq - c.n as base
    )
    update outbox o set pub_seq = moved.base + pending.n
    from pending join moved using (topic) where o.id = pending.id
    returning o.topic, o.pub_seq, o.event_id, o.type, o.aggregate_id, o.aggregate_version, o.payload, o.created_at,
      o.traceparent, o.causation_id, o.canary`);
  return rows.map(toRecord).sort((a, b) => (a.sequence < b.sequence ? -1 : 1));
}

/** Whether any event waits for its number. */
export async function hasPending(db: Queryable): Promise<boolean> {
  return (await db.rows(sql<{ id: bigint }>`select id from outbox where pub_seq is null limit 1`)).length > 0;
}

/** Where a window of events ends, whatever their number: several messages of this size fit into one answer. */
const WINDOW_BYTES = 1024 * 1024;

/** Numbered events of a topic after a sequence, in order: at most `limit`, and none after the payloads passed a MiB. */
export async function readWindow(
  db: Queryable,
  topic: string,
  after: bigint,
  limit: number,
): Promise<NumberedRecord[]> {
  const rows = await db.rows(sql<RecordRow>`
    select topic, pub_seq, event_id, type, aggregate_id, aggregate_version, payload, created_at, traceparent, causation_id,
      canary
    from (
      select *, sum(octet_length(payload)) over (order by pub_seq rows unbounded preceding) - octet_length(payload) as before
      from (select * from outbox where topic = ${topic} and pub_seq > ${after} order by pub_seq limit ${limit}) as next
    ) as measured
    where before < ${WINDOW_BYTES} order by pub_seq`);
  return rows.map(toRecord);
}

/** Remembers what the broker has stored; not what was sent in an epoch that is over. */
export async function markPublished(db: Queryable, marks: readonly Omit<Head, 'seq'>[]): Promise<void> {
  await db.run(sql`
    update outbox_head h set published = m.published, stream_created = m.created, stream_last_seq = m.last_seq
    from unnest(${marks.map((m) => m.topic)}::text[], ${marks.map((m) => m.epoch)}::int[],
      ${marks.map((m) => m.published)}::bigint[], ${marks.map((m) => m.streamCreated)}::text[],
      ${marks.map((m) => m.streamLastSeq)}::bigint[])
      as m (topic, epoch, published, created, last_seq)
    where h.topic = m.topic and h.epoch = m.epoch`);
}

/** Where publishing must begin again after the broker lost data: the lowest watermark of all known consumers. */
export async function lowestWatermark(db: Queryable, topic: string): Promise<bigint> {
  const row = await db.one(sql<{ seq: bigint | null }>`
    select min(seq) as seq from consumer_progress where topic = ${topic}`);
  return row.seq ?? 0n;
}
