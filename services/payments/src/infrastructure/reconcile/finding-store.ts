// Differences that are certain, in SQL: opened when first seen, kept up to date, resolved when gone, never deleted.
import type { Database, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Finding, FindingKind } from '../../domain/reconcile.ts';

export interface OpenFinding {
  readonly id: bigint;
  /** Seen now for the first time. */
  readonly isNew: boolean;
  readonly finding: Finding;
}

/** Opens what is new, renews what is still so, resolves what is not; returns what is open now. */
export async function writeFindings(tx: Tx, paymentId: string, found: readonly Finding[]): Promise<OpenFinding[]> {
  await tx.run(sql`
    update reconciliation_finding set resolved_at = now()
    where payment_id = ${paymentId} and resolved_at is null and (kind, reference) not in (
      select * from unnest(${found.map((f) => f.kind)}::text[], ${found.map((f) => f.reference)}::text[]))`);
  const open: OpenFinding[] = [];
  for (const finding of found) {
    const { id, is_new } = await tx.one(sql<{ id: bigint; is_new: boolean }>`
      insert into reconciliation_finding (payment_id, kind, reference, detail)
      values (${paymentId}, ${finding.kind}, ${finding.reference}, ${finding.detail})
      on conflict (payment_id, kind, reference) where resolved_at is null
      do update set last_seen = now(), detail = excluded.detail
      returning id, xmax = 0 as is_new`);
    open.push({ id, isNew: is_new, finding });
  }
  return open;
}

/** What came of a try to settle it. */
export async function noteRemedy(tx: Tx, id: bigint, outcome: string): Promise<void> {
  await tx.run(sql`
    update reconciliation_finding set remedies = remedies + 1, last_outcome = ${outcome} where id = ${id}`);
}

/** Open findings by kind; kinds without any are left out. */
export async function countOpen(db: Database): Promise<ReadonlyMap<FindingKind, number>> {
  const rows = await db.rows(sql<{ kind: FindingKind; count: number }>`
    select kind, count(*)::int as count from reconciliation_finding where resolved_at is null group by kind`);
  return new Map(rows.map(({ kind, count }) => [kind, count]));
}
