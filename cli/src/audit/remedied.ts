// What payments' reconciler is at: money that appeared at the provider under a payment that is over. It gives it back by
// itself; the audit calls it broken only when that has not come about in time.

import type { Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { REMEDIED } from '@stoa/payments/domain/reconcile';

/** How long the reconciler may be at one: a provider that is away or refuses is asked again for longer than that. */
export const REMEDY_SECONDS = 300;

export { REMEDIED };

/** Payments, and their orders, that the reconciler has begun to put right, and not long ago. */
export async function underRemedy(
  payments: Queryable,
): Promise<{ readonly payments: ReadonlySet<string>; readonly orders: ReadonlySet<string> }> {
  const rows = await payments.rows(sql<{ payment_id: string; order_id: string | null }>`
    select payment_id, order_id from reconciliation_finding left join payment using (payment_id)
    where resolved_at is null and kind = any(${[...REMEDIED]}::text[])
      and first_seen > now() - make_interval(secs => ${REMEDY_SECONDS})`);
  return {
    payments: new Set(rows.map(({ payment_id }) => payment_id)),
    orders: new Set(rows.flatMap(({ order_id }) => order_id ?? [])),
  };
}
