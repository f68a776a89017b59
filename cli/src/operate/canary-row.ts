// What a service's database knows of its canary (docs/decisions/0010-canary.md): one row, which pods of both versions
// follow as they run.
import type { Database, Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';

export interface CanaryState {
  readonly version: string;
  readonly percent: number;
  readonly state: string;
  readonly why: string;
  /** Another one after every change. */
  readonly revision: string;
}

export function readCanaryState(db: Queryable): Promise<CanaryState | undefined> {
  return db.maybe(sql<CanaryState>`
    select version, percent, state, why, xmin::text as revision from canary`);
}

/**
 * A version is the canary now and handles that many in a hundred aggregates. The canary before it, unless it was promoted,
 * is rejected: its processes, which may still live, must not take themselves for the stable version.
 */
export async function shareWithCanary(db: Database, version: string, percent: number): Promise<void> {
  await db.transact(async (tx) => {
    await tx.run(sql`
      insert into canary_rejected (version, state, why)
      select version, case state when 'running' then 'superseded' else state end, why
      from canary where state <> 'promoted' and version <> ${version} for update
      on conflict (version) do update set state = excluded.state, why = excluded.why, rejected_at = now()`);
    await tx.run(sql`delete from canary_rejected where version = ${version}`);
    await tx.run(sql`
      insert into canary (version, percent, state) values (${version}, ${percent}, 'running')
      on conflict (only_one) do update
      set version = excluded.version, percent = excluded.percent, state = 'running', why = '', changed_at = now()`);
  });
}

export interface RejectedCanary {
  readonly version: string;
  readonly state: 'superseded' | 'rolled back';
  readonly why: string;
}

/** Canaries that were replaced before they were promoted, the last one first. */
export function readRejected(db: Queryable): Promise<RejectedCanary[]> {
  return db.rows(sql<RejectedCanary>`
    select version, state, why from canary_rejected order by rejected_at desc, version`);
}

/** Changes the share of a canary that runs; false when that version does not, whoever ended it. */
export async function changeShare(db: Queryable, version: string, percent: number): Promise<boolean> {
  const changed = await db.run(sql`
    update canary set percent = ${percent}, changed_at = now() where version = ${version} and state = 'running'`);
  return changed === 1;
}

/** Messages that were handed to the canary and that nobody has applied yet. */
export async function countHanded(db: Queryable): Promise<number> {
  return Number((await db.one(sql<{ count: bigint }>`select count(*) from handed_event`)).count);
}

/**
 * Ends the canary of that version one way or the other; false when it does not run and was not ended so. Repeating it
 * changes nothing. An end is final: rolling back what was promoted would silence the only version there is, and a late
 * promotion would revive what was rejected. What nobody ended is only superseded, perhaps because its promotion was never
 * told here: that one can still be promoted, beside the canary that replaced it. With a `revision` (of the
 * row as it was read) a canary that was shared again since goes on.
 */
export async function endCanary(
  db: Queryable,
  version: string,
  end: {
    readonly state: 'rolled back' | 'promoted';
    readonly why: string;
    readonly revision?: string | undefined;
  },
): Promise<boolean> {
  const ended = await db.run(sql`
    update canary set state = ${end.state}, why = ${end.why}, changed_at = now()
    where version = ${version} and state in ('running', ${end.state})
      and xmin::text = coalesce(${end.revision ?? null}, xmin::text)`);
  if (ended === 1 || end.state !== 'promoted') return ended === 1;
  const revived = await db.run(sql`delete from canary_rejected where version = ${version} and state = 'superseded'`);
  return revived === 1;
}
