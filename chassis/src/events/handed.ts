// The SQL of handing messages to a consumer's canary: `handed_event` holds what was handed and is not applied yet,
// `canary_lane` is the lock under which either version takes from it.
import type { Queryable, Tx } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import type { TopicRecord } from './envelope.ts';
import { readStored, type StoredRecord } from './stored-record.ts';

export async function insertHanded(tx: Tx, consumer: string, topic: string, records: readonly TopicRecord[]) {
  await tx.run(sql`
    insert into handed_event (consumer, topic, seq, event_id, type, aggregate_id, aggregate_version, payload,
      traceparent, causation_id, canary, occurred_at)
    select ${consumer}, ${topic}, r.*
    from unnest(
      ${records.map((r) => r.sequence)}::bigint[], ${records.map((r) => r.eventId)}::uuid[],
      ${records.map((r) => r.type)}::text[], ${records.map((r) => r.aggregateId)}::text[],
      ${records.map((r) => r.aggregateVersion)}::bigint[], ${records.map((r) => r.payload)}::bytea[],
      ${records.map((r) => r.traceparent)}::text[], ${records.map((r) => r.causationId)}::text[],
      ${records.map((r) => r.canary)}::text[], ${records.map((r) => r.occurredAt)}::timestamptz[]) as r`);
}

/** Takes or renews the lease of a consumer's canary; false when another replica of it holds it. */
export async function leaseLane(
  db: Queryable,
  consumer: string,
  topic: string,
  lease: { readonly owner: string; readonly seconds: number },
): Promise<boolean> {
  const taken = await db.run(sql`
    insert into canary_lane as l (consumer, topic, owner, lease_until)
    values (${consumer}, ${topic}, ${lease.owner}, now() + make_interval(secs => ${lease.seconds}))
    on conflict (consumer, topic) do update set owner = excluded.owner, lease_until = excluded.lease_until
    where l.owner = excluded.owner or l.lease_until < now()`);
  return taken === 1;
}

interface Lane {
  readonly owner: string;
  /** Whether he is at work. */
  readonly alive: boolean;
}

/** Locks the lane; who holds it. Must be a statement of its own, before `takeHanded`. */
export async function lockLane(tx: Tx, consumer: string, topic: string): Promise<Lane | undefined> {
  return tx.maybe(sql<Lane>`
    select owner, lease_until > now() as alive from canary_lane
    where consumer = ${consumer} and topic = ${topic} for update`);
}

/** As `lockLane`, without waiting for whoever works under the lock: undefined while somebody does. */
export async function tryLane(tx: Tx, consumer: string, topic: string): Promise<Lane | undefined> {
  return tx.maybe(sql<Lane>`
    select owner, lease_until > now() as alive from canary_lane
    where consumer = ${consumer} and topic = ${topic} for update skip locked`);
}

export async function hasHanded(db: Queryable, consumer: string, topic: string): Promise<boolean> {
  const row = await db.one(sql<{ some: boolean }>`
    select exists (select from handed_event where consumer = ${consumer} and topic = ${topic}) as some`);
  return row.some;
}

/** Whose messages: the canary's, the other ones (its work that it gave back, or that stands behind), or all. */
export type Taker = 'canary' | 'beside canary' | 'alone';

/**
 * The oldest handed messages that this taker may apply. Call it after `lockLane` in the same transaction. `not in`, because
 * those few aggregates are then read once and not for each row (10,000 rows: 500 ms as `not exists`).
 */
export async function takeHanded(tx: Tx, consumer: string, topic: string, taker: Taker, limit: number) {
  const rows = await tx.rows(sql<StoredRecord>`
    select seq, event_id, type, aggregate_id, aggregate_version, payload, traceparent, causation_id, canary, occurred_at
    from handed_event
    where consumer = ${consumer} and topic = ${topic} and (${taker} = 'alone' or (${taker} = 'canary') = (
      aggregate_id not in (
        select r.aggregate_id from handed_event r
        where r.consumer = ${consumer} and r.topic = ${topic} and r.returned is not null)
      and aggregate_id not in (
        select p.aggregate_id from parked_event p
        where p.consumer = ${consumer} and p.topic = ${topic} and p.resolved_at is null)))
    order by seq limit ${limit}`);
  return rows.map(readStored);
}

export async function deleteHanded(tx: Tx, consumer: string, topic: string, records: readonly TopicRecord[]) {
  const gone = await tx.run(sql`
    delete from handed_event where consumer = ${consumer} and topic = ${topic}
      and seq = any(${records.map(({ sequence }) => sequence)}::bigint[])`);
  if (gone !== records.length) throw new Error(`took ${records.length} handed messages, of which ${gone} were there`);
}

/** The canary could not handle a message: it, and what follows it of its aggregate, is the stable version's again. */
export async function returnHanded(db: Queryable, consumer: string, topic: string, seq: bigint, why: string) {
  await db.run(sql`
    update handed_event set returned = ${why} where consumer = ${consumer} and topic = ${topic} and seq = ${seq}`);
}
