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
/** Where a customer who must act finds the charge with that payment id. */
export const SANDBOX_PAGE_PATH = '/sandbox/3ds/';

/** A line whose charge is still there. */
const isShown = ({ payment_id }: { payment_id: string | null }) => payment_id !== null;

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

/**
 * By the sandbox's ledger, a minute at a time, in the order in which it was written; a stretch of silence is crossed in
 * steps that double. The cursor says where the next stretch begins, after which line, and how many minutes it has.
 */
export async function listCharges(db: Database, since: Date, cursor: string | undefined): Promise<RecordPage> {
  const [from = since.toISOString(), key = '', length = '1'] = cursor?.split('|', 3) ?? [];
  const minutes = Number(length);
  const lines = await db.rows(sql<RecordRow & { at: string; key: string }>`
    select c.payment_id, c.order_ref, c.state, c.amount_minor, c.currency, c.captured_minor, c.refunded_minor,
      null as capture_key, l.created_at as changed_at, l.created_at::text as at, l.provider_key as key
    from (
      select payment_id, created_at, provider_key from ledger
      where created_at >= ${from}::timestamptz
        and created_at < ${from}::timestamptz + ${minutes}::int * interval '1 minute'
        and (created_at, provider_key) > (${from}::timestamptz, ${key}::text)
      order by created_at, provider_key limit ${PAGE}
    ) l left join charge c using (payment_id) order by l.created_at, l.provider_key`);
  // A charge with several lines is shown once, as it is now.
  const records = [...new Map(lines.filter(isShown).map((line) => [line.payment_id, toRecord(line)])).values()];
  const last = lines.at(-1);
  if (lines.length === PAGE && last !== undefined) return { records, cursor: `${last.at}|${last.key}|1` };
  const next = await db.maybe(sql<{ at: string }>`
    select (${from}::timestamptz + ${minutes}::int * interval '1 minute')::text as at
    where ${from}::timestamptz + ${minutes}::int * interval '1 minute' <= now()`);
  const step = lines.length === 0 ? minutes * 2 : 1;
  return { records, cursor: next && `${next.at}||${step}` };
}
