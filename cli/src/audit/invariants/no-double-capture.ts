// I5: the provider was asked to charge each order once. The sandbox's own books are the witness; with an outside provider
// they are empty, and a second charge there is a finding of the reconciler (I6e).
import { sql } from '@stoa/chassis/postgres/sql';
import { collect, type Invariant } from '../invariant.ts';

interface Row {
  readonly order_ref: string;
  readonly captures: bigint;
  readonly payments: bigint;
}

export const noDoubleCapture: Invariant = {
  id: 'I5',
  title: 'no order is charged twice',
  needs: ['sandbox'],
  async check(look) {
    const found = collect();
    const sandbox = look.at('sandbox');
    const rows = await sandbox.rows(sql<Row>`
      select order_ref, count(*) filter (where kind = 'capture' and ok) as captures,
        count(distinct payment_id) as payments
      from (
        select order_ref, payment_id, kind, ok from ledger
        union all
        select order_ref, payment_id, 'charge', true from charge) as books
      group by order_ref
      having count(*) filter (where kind = 'capture' and ok) > 1 or count(distinct payment_id) > 1`);
    for (const { order_ref, captures, payments } of rows) {
      const text = captures > 1n ? `captured ${captures} times` : `asked for under ${payments} payment ids`;
      found.add({ key: `order ${order_ref}`, text });
    }
    const counts = await sandbox.one(sql<{ charges: bigint; captures: bigint }>`
      select (select count(*) from charge) as charges,
        (select count(*) from ledger where kind = 'capture' and ok) as captures`);
    return found.outcome([counts.charges, 'charges'], [counts.captures, 'captures']);
  },
};
