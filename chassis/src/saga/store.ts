// The sagas' SQL. Set-based: a batch of replies costs two statements, whatever its size.
import type { Queryable, Tx } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import { COMPENSATED, COMPLETED, type Json } from './define.ts';

/** How long a person's decision may take to show its effect. */
const DECISION_SECONDS = 900;

export interface SagaRow {
  readonly sagaId: string;
  readonly definitionVersion: number;
  readonly state: string;
  readonly version: number;
  readonly data: Json;
  readonly reason: string;
  readonly attempts: number;
  readonly isExtended: boolean;
  readonly inStateSeconds: number;
}

interface StoredRow {
  saga_id: string;
  definition_version: number;
  state: string;
  version: number;
  data: Json;
  reason: string;
  attempts: number;
  extended: boolean;
  in_state_seconds: number;
}

const toRow = (row: StoredRow): SagaRow => ({
  sagaId: row.saga_id,
  definitionVersion: row.definition_version,
  state: row.state,
  version: row.version,
  data: row.data,
  reason: row.reason,
  attempts: row.attempts,
  isExtended: row.extended,
  inStateSeconds: row.in_state_seconds,
});

/** Locks sagas by id, in id order so that two batches cannot deadlock. */
export async function lockSagas(tx: Tx, name: string, ids: readonly string[]): Promise<SagaRow[]> {
  const rows = await tx.rows(sql<StoredRow>`
    select saga_id, definition_version, state, version, data, reason, attempts, extended,
      extract(epoch from now() - entered_at)::float8 as in_state_seconds
    from saga where name = ${name} and saga_id = any(${ids}::uuid[]) order by saga_id for update`);
  return rows.map(toRow);
}

/**
 * Locks sagas whose timer is due, skipping those that another replica or a reply is working on, and those of a version
 * that this process does not know: a newer one does.
 */
export async function lockDueSagas(
  tx: Tx,
  name: string,
  versions: readonly number[],
  limit: number,
): Promise<SagaRow[]> {
  const rows = await tx.rows(sql<StoredRow>`
    select saga_id, definition_version, state, version, data, reason, attempts, extended,
      extract(epoch from now() - entered_at)::float8 as in_state_seconds
    from saga where name = ${name} and wake_at <= now() and definition_version = any(${versions}::int[])
    order by wake_at limit ${limit} for update skip locked`);
  return rows.map(toRow);
}

/** Lets a saga's timer wait. */
export async function putOffSaga(tx: Tx, sagaId: string, seconds: number): Promise<void> {
  await tx.run(sql`
    update saga set wake_at = now() + make_interval(secs => ${seconds}), updated_at = now() where saga_id = ${sagaId}`);
}

export interface Move {
  readonly sagaId: string;
  readonly fromState: string;
  readonly toState: string;
  readonly version: number;
  readonly reason: string;
  readonly attempts: number;
  readonly wakeAfterSeconds: number | undefined;
  readonly isExtended: boolean;
  readonly triggerId: string;
}

/** Stores new instances and their first transition. */
export async function insertSagas(
  tx: Tx,
  name: string,
  definitionVersion: number,
  moves: readonly (Move & { readonly data: Json })[],
): Promise<void> {
  await tx.run(sql`
    with new as (
      select * from unnest(
        ${moves.map((m) => m.sagaId)}::uuid[], ${moves.map((m) => m.toState)}::text[],
        ${moves.map((m) => JSON.stringify(m.data))}::jsonb[], ${moves.map((m) => m.wakeAfterSeconds ?? 0)}::float8[],
        ${moves.map((m) => m.triggerId)}::text[]) as n (saga_id, state, data, wake_after, trigger_id)
    ), stored as (
      insert into saga (saga_id, name, definition_version, state, version, data, wake_at)
      select saga_id, ${name}, ${definitionVersion}, state, 1, data, now() + make_interval(secs => wake_after) from new
    )
    insert into saga_transition (saga_id, version, from_state, to_state, trigger_id)
    select saga_id, 1, '', state, trigger_id from new`);
}

/** A saga that a move ended. */
export interface Ended {
  readonly outcome: string;
  readonly reason: string;
  /** From its start. */
  readonly seconds: number;
}

/**
 * Writes moves and their transitions, and closes the tasks of sagas that ended: nothing is left to decide there. Returns
 * those. A trigger that was applied before violates `saga_transition`'s unique key.
 */
export async function writeMoves(tx: Tx, moves: readonly Move[]): Promise<Ended[]> {
  const ends = [COMPLETED, COMPENSATED];
  return tx.rows(sql<{ outcome: string; reason: string; seconds: number }>`
    with m as (
      select * from unnest(
        ${moves.map((m) => m.sagaId)}::uuid[], ${moves.map((m) => m.fromState)}::text[],
        ${moves.map((m) => m.toState)}::text[], ${moves.map((m) => m.version)}::int[],
        ${moves.map((m) => m.reason)}::text[], ${moves.map((m) => m.attempts)}::int[],
        ${moves.map((m) => m.wakeAfterSeconds ?? null)}::float8[], ${moves.map((m) => m.isExtended)}::boolean[],
        ${moves.map((m) => m.triggerId)}::text[])
        as m (saga_id, from_state, to_state, version, reason, attempts, wake_after, extended, trigger_id)
    ), moved as (
      update saga s set state = m.to_state, version = m.version, reason = m.reason, attempts = m.attempts,
        extended = m.extended,
        entered_at = case when m.to_state = m.from_state then s.entered_at else now() end,
        wake_at = now() + make_interval(secs => m.wake_after), updated_at = now()
      from m where s.saga_id = m.saga_id
    ), closed as (
      update manual_task t
      set decision = 'ended', decided_at = now(), decided_by = '', why = 'the saga ended ' || m.to_state
      from m
      where t.saga_id = m.saga_id and t.decided_at is null and m.to_state = any(${ends}::text[])
    ), noted as (
      insert into saga_transition (saga_id, version, from_state, to_state, trigger_id)
      select saga_id, version, from_state, to_state, trigger_id from m
    )
    select m.to_state as outcome, m.reason, extract(epoch from now() - started.at)::float8 as seconds
    from m join saga_transition started on started.saga_id = m.saga_id and started.version = 1
    where m.to_state = any(${ends}::text[])`);
}

/**
 * Opens a manual task: one for each saga and state. After a person's decision it is left alone for a while; when the
 * saga is stuck even then, the next task opens.
 */
export async function openManualTask(
  tx: Queryable,
  task: { readonly id: string; readonly sagaId: string; readonly kind: string; readonly context: Json },
): Promise<boolean> {
  const opened = await tx.run(sql`
    insert into manual_task (id, saga_id, kind, context)
    select ${task.id}::uuid, ${task.sagaId}::uuid, ${task.kind}, ${JSON.stringify(task.context)}::jsonb
    where not exists (
      select from manual_task
      where saga_id = ${task.sagaId} and kind = ${task.kind}
        and decided_at > now() - make_interval(secs => ${DECISION_SECONDS}))
    on conflict (saga_id, kind) where decided_at is null do nothing`);
  return opened === 1;
}
