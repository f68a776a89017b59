// I6e: payments and its provider do not differ. The reconciler has asked the provider; what it found and did not settle is
// the only evidence here of an outside provider's books. What it settles by itself has time for that.
import { sql } from '@stoa/chassis/postgres/sql';
import { collect, type Invariant } from '../invariant.ts';
import { REMEDIED, REMEDY_SECONDS } from '../remedied.ts';

interface Row {
  readonly id: bigint;
  readonly payment_id: string;
  readonly order_id: string | null;
  readonly kind: string;
  readonly detail: string;
  readonly seconds: number;
  readonly is_waiting: boolean;
}

export const findingsSettled: Invariant = {
  id: 'I6e',
  title: 'payments and its provider do not differ',
  needs: ['payments'],
  // A payment that the provider alone knows has no order.
  isShopWide: true,
  async check(look) {
    const found = collect();
    const payments = look.at('payments');
    const rows = await payments.rows(sql<Row>`
      select f.id, payment_id, p.order_id, f.kind, f.detail, extract(epoch from now() - first_seen)::int as seconds,
        kind = any(${[...REMEDIED]}::text[]) and first_seen > now() - make_interval(secs => ${REMEDY_SECONDS})
          as is_waiting
      from reconciliation_finding f left join payment p using (payment_id) where f.resolved_at is null order by f.id`);
    for (const { id, payment_id, order_id, kind, detail, seconds, is_waiting } of rows) {
      const text = `${kind} for ${seconds} s, payment ${payment_id} of order ${order_id ?? 'unknown'}: ${detail}`;
      found.add({ key: `finding ${id}`, text, isWaiting: is_waiting });
    }
    const { findings } = await payments.one(sql<{ findings: bigint }>`
      select count(*) as findings from reconciliation_finding`);
    return found.outcome([findings, 'findings ever']);
  },
};
