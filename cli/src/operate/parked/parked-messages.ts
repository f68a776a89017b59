// Parked messages in SQL: what stands where, asked to be tried again, or given up.
import type { Queryable, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';

export interface ParkedSummary {
  readonly service: string;
  readonly consumer: string;
  readonly topic: string;
  readonly sequence: bigint;
  readonly aggregateId: string;
  readonly type: string;
  readonly error: string;
  readonly attempts: number;
  readonly ageSeconds: number;
  /** Another try was asked for and has not happened yet. */
  readonly redriving: boolean;
  /** Messages of the same aggregate that wait behind it. */
  readonly behind: number;
  /** Whether an earlier message of its aggregate is parked too. */
  readonly waits: boolean;
}

/** Open messages of a service's consumers, those of one aggregate or consumer when they are named. */
export async function openMessages(
  db: Queryable,
  service: string,
  only: { readonly consumer?: string; readonly aggregateId?: string } = {},
): Promise<ParkedSummary[]> {
  const { consumer = null, aggregateId = null } = only;
  const rows = await db.rows(sql<Omit<ParkedSummary, 'service'>>`
    select consumer, topic, seq as sequence, aggregate_id as "aggregateId", type, error, attempts,
      extract(epoch from now() - parked_at)::float8 as "ageSeconds", redrive_at is not null as redriving,
      (count(*) over of_aggregate - rank() over in_order)::int as behind, rank() over in_order > 1 as waits
    from parked_event
    where resolved_at is null and (${consumer}::text is null or consumer = ${consumer}::text)
      and (${aggregateId}::text is null or aggregate_id = ${aggregateId}::text)
    window of_aggregate as (partition by consumer, topic, aggregate_id),
      in_order as (partition by consumer, topic, aggregate_id order by seq)
    order by consumer, seq limit 10000`);
  return rows.map((row) => ({ service, ...row }));
}

export interface ParkedMessage {
  readonly consumer: string;
  readonly topic: string;
  readonly sequence: bigint;
  readonly eventId: string;
  readonly type: string;
  readonly aggregateId: string;
  readonly aggregateVersion: bigint;
  readonly payload: Buffer;
  readonly traceparent: string;
  readonly causationId: string;
  readonly canary: string;
  readonly occurredAt: Date;
  readonly error: string;
  readonly attempts: number;
  readonly parkedAt: Date;
  readonly redriveAt: Date | null;
  readonly resolvedAt: Date | null;
  readonly resolution: string | null;
}

export async function findParked(
  db: Queryable,
  consumer: string,
  sequence: bigint,
): Promise<ParkedMessage | undefined> {
  return db.maybe(sql<ParkedMessage>`
    select consumer, topic, seq as sequence, event_id as "eventId", type, aggregate_id as "aggregateId",
      aggregate_version as "aggregateVersion", payload, traceparent, causation_id as "causationId", canary,
      occurred_at as "occurredAt", error, attempts, parked_at as "parkedAt", redrive_at as "redriveAt",
      resolved_at as "resolvedAt", resolution
    from parked_event where consumer = ${consumer} and seq = ${sequence}`);
}

/** One message, all of an aggregate, or all of a consumer. */
export type Scope =
  | { readonly consumer: string; readonly sequence: bigint }
  | { readonly consumer: string; readonly aggregateId: string }
  | { readonly consumer: string; readonly all: true };

export interface Locked {
  readonly sequence: bigint;
  readonly aggregateId: string;
}

/**
 * Locks the open messages of a scope, in order. A single message must be the oldest open one of its aggregate: what
 * came before it would otherwise be overtaken.
 */
export async function lockScope(tx: Tx, scope: Scope): Promise<Locked[]> {
  if ('sequence' in scope) return lockOne(tx, scope.consumer, scope.sequence);
  const aggregateId = 'aggregateId' in scope ? scope.aggregateId : null;
  return tx.rows(sql<Locked>`
    select seq as sequence, aggregate_id as "aggregateId" from parked_event
    where consumer = ${scope.consumer} and resolved_at is null
      and (${aggregateId}::text is null or aggregate_id = ${aggregateId}::text)
    order by seq for update`);
}

async function lockOne(tx: Tx, consumer: string, sequence: bigint): Promise<Locked[]> {
  const rows = await tx.rows(sql<Locked>`
    select seq as sequence, aggregate_id as "aggregateId" from parked_event p
    where consumer = ${consumer} and resolved_at is null and seq <= ${sequence}
      and aggregate_id = (select aggregate_id from parked_event where consumer = ${consumer} and seq = ${sequence})
    order by seq for update`);
  const [oldest] = rows;
  if (rows.at(-1)?.sequence !== sequence || oldest === undefined) return [];
  if (oldest.sequence === sequence) return rows;
  throw new Error(
    `message ${sequence} waits behind message ${oldest.sequence} of the same aggregate ${oldest.aggregateId}: ` +
      `settle that one first, or name them all with --aggregate ${oldest.aggregateId}`,
  );
}

/** Asks for another try; the consumer's worker makes it within some three seconds, oldest first. */
export async function markRedrive(tx: Tx, consumer: string, sequences: readonly bigint[]): Promise<void> {
  await tx.run(sql`
    update parked_event set redrive_at = now()
    where consumer = ${consumer} and seq = any(${sequences}::bigint[]) and resolved_at is null`);
}

/** Gives messages up: they will never be applied. */
export async function markDropped(tx: Tx, consumer: string, sequences: readonly bigint[]): Promise<void> {
  await tx.run(sql`
    update parked_event set resolved_at = now(), resolution = 'dropped', redrive_at = null
    where consumer = ${consumer} and seq = any(${sequences}::bigint[]) and resolved_at is null`);
}

export interface RedriveState {
  readonly redriven: bigint[];
  /** Tried again and failed again. */
  readonly failed: readonly { readonly sequence: bigint; readonly error: string }[];
  /** Blocked by one that failed again. */
  readonly blocked: bigint[];
  /** Not tried yet. */
  readonly pending: bigint[];
}

/** How far the messages are for which another try was asked. */
export async function redriveState(
  db: Queryable,
  consumer: string,
  sequences: readonly bigint[],
): Promise<RedriveState> {
  const rows = await db.rows(sql<{ sequence: bigint; error: string; state: string }>`
    select seq as sequence, error,
      case when resolved_at is not null then 'redriven'
        when exists (
          select from parked_event e
          where e.consumer = p.consumer and e.topic = p.topic and e.aggregate_id = p.aggregate_id and e.seq < p.seq
            and e.resolved_at is null and e.redrive_at is null) then 'blocked'
        when redrive_at is null then 'failed'
        else 'pending' end as state
    from parked_event p where consumer = ${consumer} and seq = any(${sequences}::bigint[]) order by seq`);
  const of = (state: string) => rows.filter((row) => row.state === state);
  const numbers = (state: string) => of(state).map((row) => row.sequence);
  return {
    redriven: numbers('redriven'),
    failed: of('failed').map(({ sequence, error }) => ({ sequence, error })),
    blocked: numbers('blocked'),
    pending: numbers('pending'),
  };
}
