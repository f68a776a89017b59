// The sandbox's books in SQL: every statement is for a whole batch.
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Charge, ChargeState, Entry, Known, SandboxRequest } from './rules.ts';

interface ChargeRow {
  payment_id: string;
  order_ref: string;
  authorize_key: string;
  token: string;
  amount_minor: bigint;
  currency: string;
  state: ChargeState;
  captured_minor: bigint;
  refunded_minor: bigint;
}

const toCharge = (row: ChargeRow): Charge => ({
  paymentId: row.payment_id,
  orderRef: row.order_ref,
  authorizeKey: row.authorize_key,
  token: row.token,
  amountMinor: row.amount_minor,
  currency: row.currency,
  state: row.state,
  capturedMinor: row.captured_minor,
  refundedMinor: row.refunded_minor,
});

interface AnswerRow {
  provider_key: string;
  ok: boolean;
  code: string;
  amount_minor: bigint;
  currency: string;
}

const toEntry = ({ ok, code, amount_minor, currency }: AnswerRow): Entry => ({
  ok,
  code,
  amountMinor: amount_minor,
  currency,
});

/** What the books say to each request, with its charge locked. No two of them may be about one payment. */
export async function consult(tx: Tx, requests: readonly SandboxRequest[]): Promise<Known[]> {
  const keys = requests.map((request) => request.key);
  const charges = await tx.rows(sql<ChargeRow>`
    select payment_id, order_ref, authorize_key, token, amount_minor, currency, state, captured_minor, refunded_minor
    from charge where payment_id = any(${requests.map((r) => r.paymentId)}::uuid[]) order by payment_id for update`);
  // After the locks, so that it sees what their holders have written.
  const [answers, faults] = await Promise.all([
    tx.rows(sql<AnswerRow>`
      select provider_key, ok, code, amount_minor, currency from ledger where provider_key = any(${keys}::text[])`),
    tx.rows(sql<{ provider_key: string; count: number }>`
      select provider_key, count from fault where provider_key = any(${keys}::text[])`),
  ]);
  const chargeOf = new Map(charges.map((row) => [row.payment_id, toCharge(row)]));
  const answerTo = new Map(answers.map((row) => [row.provider_key, toEntry(row)]));
  const faultsOf = new Map(faults.map((row) => [row.provider_key, row.count]));
  return requests.map(({ paymentId, key }) => ({
    charge: chargeOf.get(paymentId),
    answered: answerTo.get(key),
    faults: faultsOf.get(key) ?? 0,
  }));
}

/** New charges; `lateMs` is how late those are decided that are not at once. Fails when somebody else has just opened one. */
export async function insertCharges(tx: Tx, charges: readonly Charge[], lateMs: number): Promise<void> {
  if (charges.length === 0) return;
  await tx.run(sql`
    insert into charge (payment_id, order_ref, authorize_key, token, amount_minor, currency, state, appears_at)
    select c.*, case when c.state = 'PROCESSING' or c.token in ('tok_3ds_confirmed', 'tok_3ds_failed') then now() + ${lateMs}::int * interval '1 millisecond' end
    from unnest(${charges.map((c) => c.paymentId)}::uuid[], ${charges.map((c) => c.orderRef)}::text[],
      ${charges.map((c) => c.authorizeKey)}::text[], ${charges.map((c) => c.token)}::text[],
      ${charges.map((c) => c.amountMinor)}::bigint[], ${charges.map((c) => c.currency)}::text[],
      ${charges.map((c) => c.state)}::text[])
      as c (payment_id, order_ref, authorize_key, token, amount_minor, currency, state)`);
}

export async function updateCharges(tx: Tx, charges: readonly Charge[]): Promise<void> {
  if (charges.length === 0) return;
  await tx.run(sql`
    update charge c set state = n.state, captured_minor = n.captured_minor, refunded_minor = n.refunded_minor
    from unnest(${charges.map((c) => c.paymentId)}::uuid[], ${charges.map((c) => c.state)}::text[],
      ${charges.map((c) => c.capturedMinor)}::bigint[], ${charges.map((c) => c.refundedMinor)}::bigint[])
      as n (payment_id, state, captured_minor, refunded_minor)
    where c.payment_id = n.payment_id`);
}

export interface Line {
  readonly request: SandboxRequest;
  readonly entry: Entry;
}

export async function insertEntries(tx: Tx, lines: readonly Line[]): Promise<void> {
  if (lines.length === 0) return;
  await tx.run(sql`
    insert into ledger (provider_key, payment_id, order_ref, kind, amount_minor, currency, ok, code)
    select l.* from unnest(
      ${lines.map((l) => l.request.key)}::text[], ${lines.map((l) => l.request.paymentId)}::uuid[],
      ${lines.map((l) => l.request.orderRef)}::text[], ${lines.map((l) => l.request.kind)}::text[],
      ${lines.map((l) => l.entry.amountMinor)}::bigint[], ${lines.map((l) => l.entry.currency)}::text[],
      ${lines.map((l) => l.entry.ok)}::boolean[], ${lines.map((l) => l.entry.code)}::text[]) as l`);
}

export async function countFaults(tx: Tx, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await tx.run(sql`
    insert into fault (provider_key, count) select key, 1 from unnest(${keys}::text[]) as k (key)
    on conflict (provider_key) do update set count = fault.count + 1`);
}
