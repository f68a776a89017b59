// How far the comparison has come, in SQL; and our own books, a page at a time.
import type { Database } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { providerAccount } from '../ledger-store.ts';

/** One pass: what changed between `since` and `until`, at the provider and in our ledger. */
export interface Pass {
  readonly provider: string;
  readonly since: Date;
  readonly until: Date;
  /** Whoever has it has it until then. Moves on as it is renewed; it is also the fence: only its holder knows it. */
  leasedUntil: Date;
}

export interface PassLimits {
  /** How old a change must be, and how far to look back beyond the last pass. */
  readonly graceMs: number;
  readonly leaseMs: number;
}

/** Takes the next pass when it is due and nobody else has it. */
export async function leasePass(db: Database, provider: string, limits: PassLimits): Promise<Pass | undefined> {
  await db.run(sql`insert into reconciliation_progress (provider) values (${provider}) on conflict do nothing`);
  const { graceMs, leaseMs } = limits;
  // To the millisecond, as a Date can say it again.
  const row = await db.maybe(sql<{ since: Date; until: Date; leased_until: Date }>`
    update reconciliation_progress
    set next_pass_at = date_trunc('milliseconds', now() + ${leaseMs}::int * interval '1 millisecond')
    where provider = ${provider} and next_pass_at <= now()
    returning compared_until - ${graceMs}::int * interval '1 millisecond' as since,
      now() - ${graceMs}::int * interval '1 millisecond' as until, next_pass_at as leased_until`);
  return row && { provider, since: row.since, until: row.until, leasedUntil: row.leased_until };
}

/** Keeps a pass for longer; false when it was too late, and somebody else has begun it anew. */
export async function renewPass(db: Database, pass: Pass, leaseMs: number): Promise<boolean> {
  const row = await db.maybe(sql<{ leased_until: Date }>`
    update reconciliation_progress
    set next_pass_at = date_trunc('milliseconds', now() + ${leaseMs}::int * interval '1 millisecond')
    where provider = ${pass.provider} and next_pass_at = ${pass.leasedUntil}
    returning next_pass_at as leased_until`);
  if (row !== undefined) pass.leasedUntil = row.leased_until;
  return row !== undefined;
}

/** Webhooks older than any that could still be believed need not be remembered. */
export async function forgetWebhooks(db: Database): Promise<void> {
  await db.run(sql`delete from webhook_event where received_at < now() - interval '7 days'`);
}

/** Ends a pass that has compared everything: the next one is due after `pauseMs`, and goes on from there. */
export async function endPass(db: Database, pass: Pass, pauseMs: number): Promise<void> {
  await db.run(sql`
    update reconciliation_progress
    set compared_until = greatest(compared_until, ${pass.until}),
      next_pass_at = now() + ${pauseMs}::int * interval '1 millisecond'
    where provider = ${pass.provider} and next_pass_at = ${pass.leasedUntil}`);
}

/** Gives back a pass that has not: it is due after `pauseMs`, from where it began. One that dies is when its lease ends. */
export async function giveBackPass(db: Database, pass: Pass, pauseMs: number): Promise<void> {
  await db.run(sql`
    update reconciliation_progress set next_pass_at = now() + ${pauseMs}::int * interval '1 millisecond'
    where provider = ${pass.provider} and next_pass_at = ${pass.leasedUntil}`);
}

/** Behind an entry of our ledger. The time is text: a Date would lose its microseconds. */
export interface LedgerCursor {
  readonly at: string;
  readonly id: bigint;
}

export interface LedgerPage {
  /** Payments with movements in this page's part of the ledger; one may come twice. */
  readonly paymentIds: readonly string[];
  /** Where the next page begins; undefined after the last. */
  readonly cursor: LedgerCursor | undefined;
}

/**
 * A page of the provider's account, in order of time: in order of id an entry could come to light behind those that were
 * seen already, because two writers need not commit in the order of their ids.
 */
export async function readLedger(
  db: Database,
  { provider, since, until }: Pass,
  cursor: LedgerCursor | undefined,
  limit: number,
): Promise<LedgerPage> {
  const { at, id } = cursor ?? { at: since.toISOString(), id: 0n };
  const rows = await db.rows(sql<{ payment_id: string; at: string; id: bigint; is_provider: boolean }>`
    select payment_id, created_at::text as at, id, account = ${providerAccount(provider)} as is_provider
    from ledger_entry
    where (created_at, id) > (${at}::timestamptz, ${id}::bigint) and created_at <= ${until}
    order by created_at, id limit ${limit}`);
  const last = rows.at(-1);
  return {
    paymentIds: rows.filter(({ is_provider }) => is_provider).map(({ payment_id }) => payment_id),
    cursor: rows.length === limit && last !== undefined ? { at: last.at, id: last.id } : undefined,
  };
}
