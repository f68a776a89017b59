// I4: stock is held for orders that want it and for no others; a confirmed order has exactly what it sold.
import { collect, type Invariant } from '../invariant.ts';
import { batches, type Keyed, mergeByKey } from '../stream.ts';

interface ReservationRow extends Keyed {
  readonly state: string;
  /** A hold that should have expired more than a minute ago, while the service that sees to it runs. */
  readonly overdue: boolean;
  readonly lines: Readonly<Record<string, number>> | null;
}

interface OrderRow extends Keyed {
  readonly status: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[] | null;
}

const RESERVATIONS = `
  select r.order_id as key, r.state, r.state = 'HELD' and r.expires_at < now() - interval '60 seconds'
      and exists (select from outbox_head where lease_until > now()) as overdue, l.lines
  from reservation r left join (
    select order_id, jsonb_object_agg(sku, quantity) as lines from reservation_line group by order_id) l
    on l.order_id = r.order_id
  order by r.order_id`;
const ORDERS = `
  select o.id as key, o.status, s.data->'lines' as lines
  from orders o left join saga s on s.saga_id = o.id order by o.id`;

export const reservationsFollowOrders: Invariant = {
  id: 'I4',
  title: 'no reservation leaks, no sale lacks one',
  needs: ['orders', 'inventory'],
  async check(look) {
    const found = collect();
    let reservations = 0;
    let orders = 0;
    await mergeByKey<[ReservationRow, OrderRow]>(
      [batches(look.at('inventory'), RESERVATIONS), batches(look.at('orders'), ORDERS)],
      (id, [reservation], [order]) => {
        if (reservation !== undefined) reservations++;
        if (order !== undefined) orders++;
        const text = problemOf(reservation, order);
        if (reservation?.overdue) found.add({ key: `order ${id}`, text: 'HELD for more than a minute past its end' });
        else if (text !== undefined) found.add({ key: `order ${id}`, text, orderId: id });
      },
    );
    return found.outcome([reservations, 'reservations'], [orders, 'orders']);
  },
};

function problemOf(reservation: ReservationRow | undefined, order: OrderRow | undefined): string | undefined {
  // What was shipped came back to nobody: it would be as wrong for an order without a sale as what is still held.
  const holds = reservation !== undefined && ['HELD', 'COMMITTED', 'SHIPPED'].includes(reservation.state);
  if (order === undefined) return `reservation ${reservation?.state} for an order that does not exist`;
  if (order.status === 'REJECTED' || order.status === 'CANCELLED') {
    return holds ? `${order.status}, but its stock is still ${reservation.state}` : undefined;
  }
  if (order.status !== 'CONFIRMED') return undefined;
  const isSold = reservation?.state === 'COMMITTED' || reservation?.state === 'SHIPPED';
  if (!isSold) return `CONFIRMED, but its reservation is ${reservation?.state ?? 'missing'}`;
  return sameUnits(reservation, order) ? undefined : 'CONFIRMED with other quantities than those reserved';
}

function sameUnits(reservation: ReservationRow, order: OrderRow): boolean {
  const reserved = reservation.lines ?? {};
  const sold = new Map<string, number>();
  for (const { sku, quantity } of order.lines ?? []) sold.set(sku, (sold.get(sku) ?? 0) + quantity);
  return sold.size === Object.keys(reserved).length && [...sold].every(([sku, quantity]) => reserved[sku] === quantity);
}
