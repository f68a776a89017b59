// I17: no effect without its cause. The confirmation of an order was caused by the capture of its payment, that by the
// stock's commitment, that by the authorization, that by the reservation, each through the command that asked for it.
// A command that a timer sent again names no cause: one of its kind must.
import { collect, type Invariant } from '../invariant.ts';
import { batches, type Keyed, mergeByKey } from '../stream.ts';

/** Ids of events of one type, and those of what caused them; several are separated by blanks. */
type Ids = string | null;

interface OrderRow extends Keyed {
  readonly confirmed_by: Ids;
  readonly captures: Ids;
  readonly captures_by: Ids;
  readonly commits: Ids;
  readonly commits_by: Ids;
  readonly authorizes: Ids;
  readonly authorizes_by: Ids;
  readonly reserves: Ids;
}

interface PaymentRow extends Keyed {
  readonly captured: Ids;
  readonly captured_by: Ids;
  readonly authorized: Ids;
  readonly authorized_by: Ids;
}

interface StockRow extends Keyed {
  readonly committed: Ids;
  readonly committed_by: Ids;
  readonly reserved: Ids;
  readonly reserved_by: Ids;
}

// Not as arrays: reading those costs the driver more than everything else here.
const ids = (type: string, name: string) => `
    string_agg(event_id::text, ' ') filter (where type = '${type}') as ${name},
    string_agg(causation_id::text, ' ') filter (where type = '${type}') as ${name}_by`;

/** What was applied is deleted after seven days: older confirmations have lost their causes. */
const ORDERS = `
  select aggregate_id::uuid as key,
    max(causation_id::text) filter (where type = 'stoa.orders.v1.OrderConfirmed') as confirmed_by,
    ${ids('stoa.payments.v1.CapturePayment', 'captures')}, ${ids('stoa.inventory.v1.CommitStock', 'commits')},
    ${ids('stoa.payments.v1.AuthorizePayment', 'authorizes')}, ${ids('stoa.inventory.v1.ReserveStock', 'reserves')}
  from outbox where created_at > now() - interval '6 days'
  group by aggregate_id
  having bool_or(type = 'stoa.orders.v1.OrderConfirmed') and bool_or(type = 'stoa.orders.v1.OrderPlaced')
  order by 1`;
const PAYMENTS = `
  select aggregate_id::uuid as key, ${ids('stoa.payments.v1.PaymentCaptured', 'captured')},
    ${ids('stoa.payments.v1.PaymentAuthorized', 'authorized')}
  from outbox where topic = 'payments.events' group by aggregate_id order by 1`;
const STOCK = `
  select aggregate_id::uuid as key, ${ids('stoa.inventory.v1.StockCommitted', 'committed')},
    ${ids('stoa.inventory.v1.StockReserved', 'reserved')}
  from outbox where topic = 'inventory.reservation-events' group by aggregate_id order by 1`;

export const causation: Invariant = {
  id: 'I17',
  title: 'every confirmation has its causes',
  needs: ['orders', 'payments', 'inventory'],
  async check(look) {
    const found = collect();
    let confirmed = 0;
    await mergeByKey<[OrderRow, PaymentRow, StockRow]>(
      [
        batches(look.at('orders'), ORDERS),
        batches(look.at('payments'), PAYMENTS),
        batches(look.at('inventory'), STOCK),
      ],
      (id, [order], [payment], [stock]) => {
        if (order === undefined) return;
        confirmed++;
        const text = brokenLink(order, payment, stock);
        if (text !== undefined) found.add({ key: `order ${id}`, text });
      },
    );
    return found.outcome([confirmed, 'confirmations']);
  },
};

/** Walks back from the confirmation; the first step that leads to no event of the same order. */
function brokenLink(order: OrderRow, payment: PaymentRow | undefined, stock: StockRow | undefined): string | undefined {
  if (payment === undefined || stock === undefined) {
    return `confirmed without any event of ${payment === undefined ? 'its payment' : 'its stock'}`;
  }
  const meet = (causes: Ids, events: Ids) => causes?.split(' ').some((cause) => events?.includes(cause)) ?? false;
  const links: readonly [string, Ids, Ids][] = [
    ['OrderConfirmed was not caused by PaymentCaptured', order.confirmed_by, payment.captured],
    ['PaymentCaptured was not caused by CapturePayment', payment.captured_by, order.captures],
    ['CapturePayment was not caused by StockCommitted', order.captures_by, stock.committed],
    ['StockCommitted was not caused by CommitStock', stock.committed_by, order.commits],
    ['CommitStock was not caused by PaymentAuthorized', order.commits_by, payment.authorized],
    ['PaymentAuthorized was not caused by AuthorizePayment', payment.authorized_by, order.authorizes],
    ['AuthorizePayment was not caused by StockReserved', order.authorizes_by, stock.reserved],
    ['StockReserved was not caused by ReserveStock', stock.reserved_by, order.reserves],
  ];
  return links.find(([, causes, events]) => !meet(causes, events))?.[0];
}
