// I16a: the row of each order is what the last event of its stream carries, byte by byte. (That the stream itself is
// what its events make of it is I11's to show.)
import { sql } from '@stoa/chassis/postgres/sql';
import { collect, type Invariant } from '../invariant.ts';

interface Row {
  readonly id: string;
  readonly version: bigint;
  readonly status: string;
  readonly last_version: bigint | null;
  readonly last_status: string | null;
  readonly same_state: boolean | null;
}

export const orderRows: Invariant = {
  id: 'I16a',
  title: 'order rows equal their streams',
  needs: ['orders'],
  async check(look) {
    const found = collect();
    const orders = look.at('orders');
    // The order is the last field of an event: its payload ends with the order's own bytes.
    const rows = await orders.rows(sql<Row>`
      with last as (
        select distinct on (aggregate_id) aggregate_id::uuid as id, aggregate_version as version, payload,
          case substring(type from '[^.]+$') when 'OrderPlaced' then 'PENDING' when 'OrderConfirmed' then 'CONFIRMED'
            when 'OrderRejected' then 'REJECTED' when 'OrderCancelled' then 'CANCELLED'
            when 'OrderPaymentActionRequired' then 'PENDING' when 'OrderShipmentCreated' then 'CONFIRMED' end as status
        from outbox where topic = 'orders.events' and aggregate_version is not null
        order by aggregate_id, aggregate_version desc
      ), compared as (
        select o.id, o.version, o.status, l.version as last_version, l.status as last_status,
          substring(l.payload from octet_length(l.payload) - octet_length(o.state) + 1) = o.state as same_state
        from orders o left join last l on l.id = o.id
      )
      select id, version, status, last_version, last_status, same_state from compared
      where version is distinct from last_version or status is distinct from last_status or same_state is not true
      order by id`);
    for (const { id, version, status, last_version, last_status } of rows) {
      const same = version === last_version && status === last_status;
      const stream = last_version === null ? 'has no events' : `ends at version ${last_version}, ${last_status}`;
      const text = same
        ? 'the row holds another order than the last event'
        : `the row is at version ${version}, ${status}; the stream ${stream}`;
      found.add({ key: `order ${id}`, text });
    }
    const { count } = await orders.one(sql<{ count: bigint }>`select count(*) from orders`);
    return found.outcome([count, 'orders']);
  },
};
