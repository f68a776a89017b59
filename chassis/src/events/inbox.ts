// The inbox' SQL: watermarks and parked messages of this service's consumers.
import type { Queryable, Tx } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import type { TopicRecord } from './envelope.ts';
import { readStored, type StoredRecord } from './stored-record.ts';

export interface Watermark {
  readonly epoch: number;
  readonly seq: bigint;
  /** Id of the event at `seq`; empty before the first. */
  readonly lastEventId: string;
}

/** The watermark as its lease was taken. */
export interface LeasedWatermark extends Watermark {
  /** Whether messages that were handed to a canary are still there. */
  readonly hasHanded: boolean;
}

/** Takes or renews the lease on a consumer and reads its watermark; undefined when another replica holds it. */
export async function leaseWatermark(
  db: Queryable,
  consumer: string,
  topic: string,
  lease: { readonly owner: string; readonly seconds: number },
): Promise<LeasedWatermark | undefined> {
  const row = await db.maybe(sql<{ epoch: number; seq: bigint; last_event_id: string | null; handed: boolean }>`
    insert into consumer_watermark as w (consumer, topic, owner, lease_until)
    values (${consumer}, ${topic}, ${lease.owner}, now() + make_interval(secs => ${lease.seconds}))
    on conflict (consumer, topic) do update set owner = excluded.owner, lease_until = excluded.lease_until
    where w.owner = excluded.owner or w.lease_until < now()
    returning epoch, seq, last_event_id,
      exists (select from handed_event h where h.consumer = w.consumer and h.topic = w.topic) as handed`);
  if (row === undefined) return undefined;
  return { epoch: row.epoch, seq: row.seq, lastEventId: row.last_event_id ?? '', hasHanded: row.handed };
}

/** What a batch must know of a canary, read where the watermark moves so that it costs no statement of its own. */
export interface Share {
  /** How many in a hundred aggregates are the canary's; null while none is at work. */
  readonly percent: number | null;
  /** Aggregates of which messages were handed over and are not applied yet: the next ones follow them. */
  readonly handed: ReadonlySet<string>;
  /** How many messages these are. */
  readonly handedCount: number;
}

/** Moves the watermark, which also locks it; undefined when it no longer stands where this replica believes. */
export async function moveWatermark(
  tx: Tx,
  consumer: string,
  topic: string,
  owner: string,
  move: { readonly from: Watermark; readonly to: Watermark },
): Promise<Share | undefined> {
  const moved = await tx.maybe(sql<{ percent: number | null; handed: string[] | null; count: bigint }>`
    update consumer_watermark w
    set epoch = ${move.to.epoch}, seq = ${move.to.seq}, last_event_id = nullif(${move.to.lastEventId}, '')::uuid
    where consumer = ${consumer} and topic = ${topic} and owner = ${owner} and seq = ${move.from.seq}
    returning
      (select c.percent from canary c join canary_lane l on l.consumer = w.consumer and l.topic = w.topic
        where c.state = 'running' and l.lease_until > now()) as percent,
      (select array_agg(distinct h.aggregate_id) from handed_event h
        where h.consumer = w.consumer and h.topic = w.topic) as handed,
      (select count(*) from handed_event h where h.consumer = w.consumer and h.topic = w.topic) as count`);
  if (moved === undefined) return undefined;
  return { percent: moved.percent, handed: new Set(moved.handed), handedCount: Number(moved.count) };
}

/** Whether this replica holds the watermark; nobody takes it over until the transaction ends. */
export async function holdsWatermark(tx: Tx, consumer: string, topic: string, owner: string): Promise<boolean> {
  const row = await tx.maybe(sql<{ owner: string }>`
    select owner from consumer_watermark where consumer = ${consumer} and topic = ${topic} for share`);
  return row?.owner === owner;
}

/** Why a record was parked. */
export interface Parking {
  readonly record: TopicRecord;
  readonly error: string;
  readonly attempts: number;
}

export async function parkRecords(tx: Tx, consumer: string, topic: string, parked: readonly Parking[]): Promise<void> {
  await tx.run(sql`
    insert into parked_event (consumer, topic, seq, event_id, type, aggregate_id, aggregate_version, payload,
      traceparent, causation_id, canary, occurred_at, error, attempts)
    select ${consumer}, ${topic}, p.*
    from unnest(
      ${parked.map((p) => p.record.sequence)}::bigint[], ${parked.map((p) => p.record.eventId)}::uuid[],
      ${parked.map((p) => p.record.type)}::text[], ${parked.map((p) => p.record.aggregateId)}::text[],
      ${parked.map((p) => p.record.aggregateVersion)}::bigint[], ${parked.map((p) => p.record.payload)}::bytea[],
      ${parked.map((p) => p.record.traceparent)}::text[], ${parked.map((p) => p.record.causationId)}::text[],
      ${parked.map((p) => p.record.canary)}::text[],
      ${parked.map((p) => p.record.occurredAt)}::timestamptz[], ${parked.map((p) => p.error)}::text[],
      ${parked.map((p) => p.attempts)}::int[]) as p
    on conflict do nothing`);
}

/** Aggregates with a parked message: their later messages wait. */
export async function blockedAggregates(db: Queryable, consumer: string, topic: string): Promise<Set<string>> {
  const rows = await db.rows(sql<{ aggregate_id: string }>`
    select distinct aggregate_id from parked_event
    where consumer = ${consumer} and topic = ${topic} and resolved_at is null`);
  return new Set(rows.map((row) => row.aggregate_id));
}

/**
 * Locks the oldest open parked message of an aggregate for which another try was asked, if it is the aggregate's
 * oldest: later ones may not overtake it.
 */
export async function nextRedrive(tx: Tx, consumer: string, topic: string): Promise<TopicRecord | undefined> {
  const row = await tx.maybe(sql<StoredRecord>`
    select seq, event_id, type, aggregate_id, aggregate_version, payload, traceparent, causation_id, canary,
      occurred_at
    from parked_event p
    where consumer = ${consumer} and topic = ${topic} and resolved_at is null and redrive_at is not null
      and not exists (
        select from parked_event earlier
        where earlier.consumer = p.consumer and earlier.topic = p.topic and earlier.aggregate_id = p.aggregate_id
          and earlier.resolved_at is null and earlier.seq < p.seq)
    order by seq limit 1 for update skip locked`);
  return row && readStored(row);
}

export async function resolveParked(tx: Tx, consumer: string, topic: string, seq: bigint): Promise<void> {
  await tx.run(sql`
    update parked_event set resolved_at = now(), resolution = 'redriven'
    where consumer = ${consumer} and topic = ${topic} and seq = ${seq}`);
}

/** The redrive failed too: the aggregate waits for the operator again. */
export async function redriveFailed(
  db: Queryable,
  consumer: string,
  topic: string,
  seq: bigint,
  error: string,
): Promise<void> {
  await db.run(sql`
    update parked_event set redrive_at = null, attempts = attempts + 1, error = ${error}
    where consumer = ${consumer} and topic = ${topic} and seq = ${seq}`);
}
