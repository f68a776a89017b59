// Our books. Each movement of money is two rows, so that debits and credits are equal by construction; booking the
// same movement twice fails on its unique key and takes the transaction with it.
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { type Payment, providerKey } from '../domain/payment.ts';

export interface Movement {
  readonly payment: Payment;
  readonly kind: 'capture' | 'refund';
}

/** What the provider owes us. Its rows equal the provider's own ledger, by `provider_key`. */
export const providerAccount = (provider: string) => `provider:${provider}`;
/** What customers have paid for orders. */
export const ORDERS_ACCOUNT = 'orders';

const amountOf = ({ payment, kind }: Movement) => (kind === 'capture' ? payment.capturedMinor : payment.refundedMinor);

/** A capture debits the provider and credits orders; a refund does the reverse. */
export async function bookMovements(tx: Tx, provider: string, movements: readonly Movement[]): Promise<void> {
  if (movements.length === 0) return;
  const of = <T>(read: (payment: Payment) => T) => movements.map(({ payment }) => read(payment));
  await tx.run(sql`
    insert into ledger_entry (order_id, payment_id, kind, provider_key, account, debit_minor, credit_minor, currency)
    select m.order_id, m.payment_id, m.kind, m.provider_key, side.account,
      case when side.debited then m.amount else 0 end, case when side.debited then 0 else m.amount end, m.currency
    from unnest(
      ${of((p) => p.orderId)}::uuid[], ${of((p) => p.paymentId)}::uuid[], ${movements.map((m) => m.kind)}::text[],
      ${movements.map(({ payment, kind }) => providerKey(payment.paymentId, kind))}::text[],
      ${movements.map(amountOf)}::bigint[],
      ${of((p) => p.currency)}::text[]) as m (order_id, payment_id, kind, provider_key, amount, currency),
    lateral (values (${providerAccount(provider)}::text, m.kind = 'capture'),
      (${ORDERS_ACCOUNT}::text, m.kind = 'refund')) as side (account, debited)`);
}

export interface Return {
  readonly captureKey: string;
  readonly refundKey: string;
  readonly amountMinor: bigint;
  readonly currency: string;
}

/**
 * Books money that the provider took for a dead payment and has given back. Both movements, so that each side's books
 * show both; where the capture had been booked before, its refund was too, and nothing is added.
 */
export async function bookReturn(
  tx: Tx,
  provider: string,
  { orderId, paymentId }: Payment,
  { captureKey, refundKey, amountMinor, currency }: Return,
): Promise<void> {
  await tx.run(sql`
    insert into ledger_entry (order_id, payment_id, kind, provider_key, account, debit_minor, credit_minor, currency)
    select ${orderId}::uuid, ${paymentId}::uuid, m.kind, m.provider_key, side.account,
      case when side.debited then ${amountMinor}::bigint else 0 end,
      case when side.debited then 0 else ${amountMinor}::bigint end, ${currency}
    from (values ('capture', ${captureKey}::text), ('refund', ${refundKey}::text)) as m (kind, provider_key),
    lateral (values (${providerAccount(provider)}::text, m.kind = 'capture'),
      (${ORDERS_ACCOUNT}::text, m.kind = 'refund')) as side (account, debited)
    where not exists (select 1 from ledger_entry where provider_key = ${captureKey})`);
}
