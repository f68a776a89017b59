// I6a: what was captured and not refunded of an order is its total when it is confirmed, and nothing otherwise: in our
// ledger and in the payment's own row, whoever the provider is. Its own books are asked by I6d and I6e.
import { collect, type Invariant } from '../invariant.ts';
import { batches, mergeByKey } from '../stream.ts';
import { due, kept, type Movement, ORDERS, type OrderRow } from './money.ts';

const PAYMENTS = `
  select order_id as key, captured_minor as captured, refunded_minor as refunded from payment order by order_id`;
const LEDGER = `
  select order_id as key, sum(debit_minor)::bigint as captured, sum(credit_minor)::bigint as refunded
  from ledger_entry where account like 'provider:%' group by order_id order by order_id`;

export const moneyConserved: Invariant = {
  id: 'I6a',
  title: 'money kept equals orders confirmed',
  needs: ['orders', 'payments'],
  async check(look) {
    const found = collect();
    let orders = 0;
    let minor = 0n;
    const payments = look.at('payments');
    const sources = [
      batches<OrderRow>(look.at('orders'), ORDERS),
      batches<Movement>(payments, PAYMENTS),
      batches<Movement>(payments, LEDGER),
    ] as const;
    await mergeByKey<[OrderRow, Movement, Movement]>(sources, (id, [order], [row], [ledger]) => {
      if (order !== undefined) orders++;
      const owed = due(order);
      minor += owed;
      const [ours, booked] = [kept(row), kept(ledger)];
      if (ours === owed && booked === owed) return;
      const what = order?.status ?? 'no such order';
      const text = `${what}, due ${owed}: payment says ${ours}, ledger ${booked}`;
      found.add({ key: `order ${id}`, text, orderId: id });
    });
    return found.outcome([orders, 'orders'], [minor, 'minor units kept']);
  },
};
