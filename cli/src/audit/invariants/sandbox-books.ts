// I6d: where the sandbox is the provider, its own books show of each order what the order is due: its ledger, and the
// charge itself. An order whose money another provider moved is none of the sandbox's: what that one says is I6e's.
import { collect, type Invariant } from '../invariant.ts';
import { underRemedy } from '../remedied.ts';
import { batches, type Keyed, mergeByKey } from '../stream.ts';
import { due, kept, type Movement, ORDERS, type OrderRow } from './money.ts';

interface Providers extends Keyed {
  /** Whether the sandbox is among the providers that moved money of the order. */
  readonly sandbox: boolean;
}

const PROVIDERS = `
  select order_id as key, bool_or(account = 'provider:sandbox') as sandbox
  from ledger_entry where account like 'provider:%' group by order_id order by order_id`;
const LEDGER = `
  select order_ref::uuid as key, coalesce(sum(amount_minor) filter (where kind = 'capture'), 0)::bigint as captured,
    coalesce(sum(amount_minor) filter (where kind = 'refund'), 0)::bigint as refunded
  from ledger where ok and kind in ('capture', 'refund') group by order_ref::uuid order by order_ref::uuid`;
const CHARGES = `
  select order_ref::uuid as key, sum(captured_minor)::bigint as captured, sum(refunded_minor)::bigint as refunded
  from charge group by order_ref::uuid order by order_ref::uuid`;

export const sandboxBooks: Invariant = {
  id: 'I6d',
  title: 'the sandbox keeps what orders are due',
  needs: ['orders', 'payments', 'sandbox'],
  async check(look) {
    const found = collect();
    let orders = 0;
    const [payments, sandbox] = [look.at('payments'), look.at('sandbox')];
    const { orders: waiting } = await underRemedy(payments);
    const sources = [
      batches<OrderRow>(look.at('orders'), ORDERS),
      batches<Providers>(payments, PROVIDERS),
      batches<Movement>(sandbox, LEDGER),
      batches<Movement>(sandbox, CHARGES),
    ] as const;
    await mergeByKey<[OrderRow, Providers, Movement, Movement]>(
      sources,
      (id, [order], [providers], [ledger], [charge]) => {
        const isTheirs = ledger !== undefined || charge !== undefined || (providers?.sandbox ?? due(order) > 0n);
        if (!isTheirs) return;
        orders++;
        const owed = due(order);
        const [booked, charged] = [kept(ledger), kept(charge)];
        if (booked === owed && charged === owed) return;
        const what = order?.status ?? 'no such order';
        const text = `${what}, due ${owed}: the sandbox's ledger says ${booked}, its charge ${charged}`;
        found.add({ key: `order ${id}`, text, orderId: id, isWaiting: waiting.has(id) });
      },
    );
    return found.outcome([orders, 'orders paid by the sandbox']);
  },
};
