// How far the comparison has come, in SQL; and our own books, a stretch at a time.
import type { Database } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { providerAccount } from '../ledger-store.ts';

/** One pass: what changed between `since` and `until`, and our ledger after `ledgerId`. */
export interface Pass {
  readonly provider: string;
  readonly since: Date;
  readonly until: Date;
  readonly ledgerId: bigint;
}

export interface PassLimits {
  readonly everyMs: number;
  /** How old a change must be, and how far to look back beyond the last pass. */
  readonly graceMs: number;
  readonly leaseMs: number;
}

/** Takes the next pass when it is due and nobody else has it. */
export async function leasePass(db: Database, provider: string, limits: PassLimits): Promise<Pass | undefined> {
  await db.run(sql`insert into reconciliation_progress (provider) values (${provider}) on conflict do nothing`);
  const { graceMs, leaseMs } = limits;
  const row = await db.maybe(sql<{ since: Date; until: Date; ledger_id: bigint }>`
    update reconciliation_progress set next_pass_at = now() + ${leaseMs}::int * interval '1 millisecond'
    where provider = ${provider} and next_pass_at <= now()
    returning compared_until - ${graceMs}::int * interval '1 millisecond' as since,
      now() - ${graceMs}::int * interval '1 millisecond' as until, ledger_id`);
  return row && { provider, since: row.since, until: row.until, ledgerId: row.ledger_id };
}

/** Webhooks older than any that could still be believed need not be remembered. */
export async function forgetWebhooks(db: Database): Promise<void> {
  await db.run(sql`delete from webhook_event where received_at < now() - interval '7 days'`);
}

/** Ends a pass. One that dies is made again from where it began, once its lease has run out. */
export async function endPass(db: Database, { provider, until }: Pass, ledgerId: bigint, everyMs: number) {
  await db.run(sql`
    update reconciliation_progress
    set compared_until = greatest(compared_until, ${until}), ledger_id = greatest(ledger_id, ${ledgerId}::bigint),
      next_pass_at = now() + ${everyMs}::int * interval '1 millisecond'
    where provider = ${provider}`);
}

export interface LedgerStretch {
  readonly lastId: bigint;
  readonly paymentIds: readonly string[];
}

/** Payments with movements in our ledger after an entry, up to a moment. */
export async function readLedger(db: Database, { provider, since, until }: Pass, afterId: bigint, limit: number) {
  const rows = await db.rows(sql<{ id: bigint; payment_id: string; compared: boolean }>`
    select id, payment_id, account = ${providerAccount(provider)} and created_at >= ${since} as compared
    from ledger_entry where id > ${afterId} and created_at <= ${until} order by id limit ${limit}`);
  const paymentIds = rows.filter(({ compared }) => compared).map(({ payment_id }) => payment_id);
  const stretch: LedgerStretch = { lastId: rows.at(-1)?.id ?? afterId, paymentIds };
  return stretch;
}
