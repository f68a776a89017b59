// What the sandbox shows of its charges: one by one, or all that something happened to since a moment.
import type { Database } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { ProviderRecord } from '../../domain/reconcile.ts';
import type { RecordPage } from '../provider.ts';
import { type ChargeState, referenceOf } from './rules.ts';

interface RecordRow {
  payment_id: string;
  order_ref: string;
  state: ChargeState;
  amount_minor: bigint;
  currency: string;
  captured_minor: bigint;
  refunded_minor: bigint;
  capture_key: string | null;
  changed_at: Date;
}

const PAGE = 2000;

const toRecord = (row: RecordRow): ProviderRecord => ({
  paymentId: row.payment_id,
  orderId: row.order_ref,
  reference: referenceOf(row.payment_id),
  state: row.state === 'REQUIRES_ACTION' ? 'ACTION_REQUIRED' : row.state,
  amountMinor: row.amount_minor,
  currency: row.currency,
  capturedMinor: row.captured_minor,
  refundedMinor: row.refunded_minor,
  captureKey: row.capture_key ?? '',
  changedAt: row.changed_at,
});

/** Nothing of what is still in progress: that is what `tok_late_charge` is about. */
export async function showCharge(db: Database, paymentId: string): Promise<ProviderRecord[]> {
  const row = await db.maybe(sql<RecordRow>`
    select payment_id, order_ref, state, amount_minor, currency, captured_minor, refunded_minor, created_at as changed_at,
      (select max(provider_key) from ledger l where l.payment_id = c.payment_id and ok and kind = 'capture')
        as capture_key
    from charge c where payment_id = ${paymentId} and state <> 'PROCESSING'`);
  return row === undefined ? [] : [toRecord(row)];
}

/** By the sandbox's ledger, in the order in which it was written. The cursor is the last line shown. */
export async function listCharges(db: Database, since: Date, cursor: string | undefined): Promise<RecordPage> {
  const [at = since.toISOString(), key = ''] = cursor?.split('|', 2) ?? [];
  const lines = await db.rows(sql<RecordRow & { at: string; key: string }>`
    select c.payment_id, c.order_ref, c.state, c.amount_minor, c.currency, c.captured_minor, c.refunded_minor,
      null as capture_key, l.created_at as changed_at, l.created_at::text as at, l.provider_key as key
    from (
      select payment_id, created_at, provider_key from ledger
      where created_at >= ${at}::timestamptz and (created_at, provider_key) > (${at}::timestamptz, ${key}::text)
      order by created_at, provider_key limit ${PAGE}
    ) l join charge c using (payment_id) order by l.created_at, l.provider_key`);
  const last = lines.at(-1);
  return {
    // A charge with several lines is shown once, as it is now.
    records: [...new Map(lines.map((line) => [line.payment_id, toRecord(line)])).values()],
    cursor: lines.length < PAGE || last === undefined ? undefined : `${last.at}|${last.key}`,
  };
}
