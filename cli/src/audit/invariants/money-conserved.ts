// I6a: what was captured and not refunded of an order is its total when it is confirmed, and nothing otherwise: in our
// ledger, in the payment's own row, and in the provider's books.
import { collect, type Invariant } from '../invariant.ts';
import { batches, type Keyed, mergeByKey } from '../stream.ts';

interface Movement extends Keyed {
  readonly captured: bigint;
  readonly refunded: bigint;
}

interface OrderRow extends Keyed {
  readonly status: string;
  readonly total: bigint;
}

const ORDERS = 'select id as key, status, total_minor as total from orders order by id';
const PAYMENTS = `
  select order_id as key, captured_minor as captured, refunded_minor as refunded from payment order by order_id`;
const LEDGER = `
  select order_id as key, sum(debit_minor)::bigint as captured, sum(credit_minor)::bigint as refunded
  from ledger_entry where account like 'provider:%' group by order_id order by order_id`;
const SANDBOX = `
  select order_ref::uuid as key, coalesce(sum(amount_minor) filter (where kind = 'capture'), 0)::bigint as captured,
    coalesce(sum(amount_minor) filter (where kind = 'refund'), 0)::bigint as refunded
  from ledger where ok and kind in ('capture', 'refund') group by order_ref::uuid order by order_ref::uuid`;

const NOTHING = { captured: 0n, refunded: 0n };
const kept = ({ captured, refunded }: Omit<Movement, 'key'>) => captured - refunded;

export const moneyConserved: Invariant = {
  id: 'I6a',
  title: 'money kept equals orders confirmed',
  needs: ['orders', 'payments', 'sandbox'],
  async check(look) {
    const found = collect();
    let orders = 0;
    let minor = 0n;
    const payments = look.at('payments');
    const sources = [
      batches<OrderRow>(look.at('orders'), ORDERS),
      batches<Movement>(payments, PAYMENTS),
      batches<Movement>(payments, LEDGER),
      batches<Movement>(look.at('sandbox'), SANDBOX),
    ] as const;
    await mergeByKey<[OrderRow, Movement, Movement, Movement]>(sources, (id, [order], [row], [ledger], [provider]) => {
      if (order !== undefined) orders++;
      const due = order?.status === 'CONFIRMED' ? order.total : 0n;
      minor += due;
      const said = [row, ledger, provider].map((movement) => kept(movement ?? NOTHING));
      if (said.every((amount) => amount === due)) return;
      const [ours, booked, theirs] = said;
      const what = order?.status ?? 'no such order';
      const text = `${what}, due ${due}: payment says ${ours}, ledger ${booked}, provider ${theirs}`;
      found.add({ key: `order ${id}`, text, orderId: id });
    });
    return found.outcome([orders, 'orders'], [minor, 'minor units kept']);
  },
};
