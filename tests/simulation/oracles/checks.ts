// Invariants in SQL over all databases at once; every row is a violation. Written from reliability.md section 2, apart
// from the code that they judge.
import type { Store } from '../ports/store.ts';
import { FOLLOWERS, PUBLISHERS } from '../world/settled.ts';
import { type Check, ORDERS } from './order-checks.ts';

const STOCK: readonly Check[] = [
  {
    invariant: 'I1',
    says: 'stock does not add up',
    sql: `select s.sku, s.on_hand, s.reserved from inventory.stock s
      where s.on_hand < 0 or s.reserved < 0 or s.reserved > s.on_hand or s.on_hand <> (
        select sum(quantity) from inventory.stock_receipt_line l where l.sku = s.sku)`,
  },
  {
    invariant: 'I1',
    says: 'more was confirmed than there was',
    sql: `select l.sku, sum(l.quantity) as sold, max(r.units) as received
      from inventory.reservation_line l join orders.orders o on o.id = l.order_id left join (
        select sku, sum(quantity) as units from inventory.stock_receipt_line where quantity > 0 group by sku) r on r.sku = l.sku
      where o.status = 'CONFIRMED' group by l.sku having sum(l.quantity) > coalesce(max(r.units), 0)`,
  },
  {
    invariant: 'I2',
    says: 'units are neither sold nor for sale',
    sql: `select s.sku, s.reserved, coalesce(c.units, 0) as confirmed from inventory.stock s left join (
        select l.sku, sum(l.quantity) as units from inventory.reservation_line l
        join orders.orders o on o.id = l.order_id where o.status = 'CONFIRMED' group by l.sku) c on c.sku = s.sku
      left join (select l.sku, sum(l.quantity) as units from inventory.reservation_line l
        join inventory.reservation r using (order_id) where r.state = 'SHIPPED' group by l.sku) g on g.sku = s.sku
      where s.reserved + coalesce(g.units, 0) <> coalesce(c.units, 0)`,
  },
  {
    invariant: 'I3',
    says: 'reserved is not the sum of reservations',
    sql: `select s.sku, s.reserved from inventory.stock s where s.reserved <> (
      select coalesce(sum(l.quantity), 0) from inventory.reservation_line l
      join inventory.reservation r using (order_id) where l.sku = s.sku and r.state in ('HELD', 'COMMITTED'))`,
  },
  {
    invariant: 'I4',
    says: 'stock is kept for an order that does not need it, or not for one that does',
    sql: `select r.order_id, r.state, o.status from inventory.reservation r full join orders.orders o on o.id = r.order_id
      where (r.state in ('HELD', 'COMMITTED', 'SHIPPED')) is distinct from (o.status = 'CONFIRMED')
        and (r.state in ('HELD', 'COMMITTED', 'SHIPPED') or o.status = 'CONFIRMED')`,
  },
];

const MONEY: readonly Check[] = [
  {
    invariant: 'I5',
    says: 'an order was captured twice, or under two payments',
    sql: `select order_ref, count(*) as captures, count(distinct payment_id) as payments from sandbox.ledger
      group by order_ref having count(*) filter (where kind = 'capture' and ok) > 1 or count(distinct payment_id) > 1`,
  },
  {
    invariant: 'I6',
    says: 'the provider kept what the order does not cost',
    sql: `select o.id, o.status, o.total_minor, coalesce(p.kept, 0) as kept from orders.orders o left join (
        select order_ref, sum(case kind when 'capture' then amount_minor when 'refund' then -amount_minor else 0 end) as kept
        from sandbox.ledger where ok group by order_ref) p on p.order_ref = o.id::text
      where coalesce(p.kept, 0) <> case when o.status = 'CONFIRMED' then o.total_minor else 0 end`,
  },
  {
    invariant: 'I6',
    says: 'the two ledgers differ',
    sql: `select coalesce(l.provider_key, s.provider_key) as key from (
        select provider_key, kind, debit_minor + credit_minor as amount from payments.ledger_entry
        where account = 'provider:sandbox') l
      full join (select provider_key, kind, amount_minor from sandbox.ledger
        where ok and kind in ('capture', 'refund')) s on s.provider_key = l.provider_key
      where l.amount is distinct from s.amount_minor or l.kind is distinct from s.kind`,
  },
  {
    invariant: 'I6',
    says: 'debit and credit differ',
    sql: `select currency from payments.ledger_entry group by currency having sum(debit_minor) <> sum(credit_minor)`,
  },
  {
    invariant: 'I7',
    says: 'the provider still holds money of an ended order',
    sql: `select c.order_ref, c.state, o.status from sandbox.charge c left join orders.orders o on o.id::text = c.order_ref
      where c.state in ('AUTHORIZED', 'PROCESSING', 'REQUIRES_ACTION')`,
  },
  {
    invariant: 'I6',
    says: 'the reconciler had to put right what the calls should have',
    sql: `select f.payment_id, f.kind, f.detail, p.token from payments.reconciliation_finding f
      left join payments.payment p using (payment_id) where p.token is distinct from 'tok_charge_after_void'`,
  },
  {
    invariant: 'I18',
    says: 'another amount was charged than the order says',
    sql: `select o.id, o.total_minor, p.amount_minor from orders.orders o join payments.payment p on p.order_id = o.id
      where p.currency <> '' and p.amount_minor <> o.total_minor`,
  },
];

const FOLLOWED: readonly Check[] = [
  {
    invariant: 'I16',
    says: 'the catalog believes another availability',
    sql: `select s.sku, s.on_hand - s.reserved as available, a.available as believed from inventory.stock s
      left join catalog.sku_availability a on a.sku = s.sku
      where a.available is distinct from s.on_hand - s.reserved or a.version is distinct from s.version`,
  },
  {
    invariant: 'I16',
    says: 'a cart that does not know what became of its order',
    sql: `select o.id, o.status, c.order_id from orders.orders o join cart.cart c on c.id = o.cart_id
      where case when o.status = 'CONFIRMED' then c.order_id is distinct from o.id and c.version = o.cart_version
        else c.order_id = o.id end`,
  },
  {
    invariant: 'I20',
    says: 'mails that are missing, too many, or wrong',
    sql: `select coalesce(w.order_id, m.order_id) as order_id, w.template as wanted, m.template as sent from (
        select e.aggregate_id::uuid as order_id, case e.type
          when 'stoa.orders.v1.OrderConfirmed' then 'order-confirmed'
          when 'stoa.orders.v1.OrderRejected' then 'order-rejected'
          when 'stoa.orders.v1.OrderCancelled' then 'order-cancelled'
          when 'stoa.orders.v1.OrderShipmentCreated' then 'order-shipped' end as template
        from orders.outbox e where e.topic = 'orders.events'
          and e.type not in ('stoa.orders.v1.OrderPlaced', 'stoa.orders.v1.OrderPaymentActionRequired')) w
      full join (select order_id, template, count(*) as n from notifications.mailbox group by 1, 2) m
        on m.order_id = w.order_id and m.template = w.template
      where w.template is null or m.template is null or m.n <> 1`,
  },
];

const EVENTS: readonly Check[] = [
  ...PUBLISHERS.flatMap(({ service }) => [
    {
      invariant: 'I15',
      says: `numbers of ${service} are not dense`,
      sql: `select h.topic, h.seq, count(o.id) as events, max(o.pub_seq) as highest from ${service}.outbox_head h
        left join ${service}.outbox o on o.topic = h.topic group by h.topic, h.seq
        having count(o.id) <> h.seq or count(o.pub_seq) <> h.seq or coalesce(max(o.pub_seq), 0) <> h.seq`,
    },
    {
      invariant: 'I15',
      says: `an aggregate's versions do not rise with the numbers of ${service}`,
      sql: `select topic, aggregate_id, aggregate_version from (
          select topic, aggregate_id, aggregate_version, lag(aggregate_version)
            over (partition by topic, aggregate_id order by pub_seq) as before
          from ${service}.outbox where aggregate_version is not null) o where before >= aggregate_version`,
    },
  ]),
  ...FOLLOWERS.map(({ service, name, topic, owner }) => ({
    invariant: 'I13',
    says: `${name} is not at the head`,
    sql: `select w.seq, h.seq as head from ${owner}.outbox_head h full join ${service}.consumer_watermark w
        on w.topic = h.topic and w.consumer = '${name}'
      where h.topic = '${topic}' and w.seq is distinct from h.seq and h.seq > 0`,
  })),
  ...FOLLOWERS.map(({ name, topic, owner, types }) => ({
    invariant: 'I13',
    says: `${name} did not handle every event once`,
    sql: `select coalesce(h.seq, e.pub_seq) as seq, count(h.seq) as times from (
        select seq from watched.handled where consumer = '${name}') h
      full join (select pub_seq from ${owner}.outbox where topic = '${topic}'
        and type in (${types.map((type) => `'${type}'`).join(', ')})) e on e.pub_seq = h.seq
      group by 1 having count(h.seq) <> 1 or count(e.pub_seq) = 0`,
  })),
  {
    invariant: 'I14',
    says: 'a consumer handled an event before an earlier one of its aggregate',
    sql: `select consumer, aggregate, seq from (
        select *, lag(seq) over (partition by consumer, aggregate order by n) as before from watched.handled) h
      where before >= seq`,
  },
  ...[...new Set(FOLLOWERS.map(({ service }) => service))].map((service) => ({
    invariant: 'I21',
    says: `messages were parked in ${service}`,
    sql: `select consumer, seq, type, error from ${service}.parked_event where resolved_at is null`,
  })),
];

const WATCHED: Check = {
  invariant: 'I13',
  says: 'the database saw a number or a watermark go back',
  sql: 'select invariant, says, subject from watched.wrong',
};

export const CHECKS: readonly Check[] = [WATCHED, ...STOCK, ...MONEY, ...ORDERS, ...FOLLOWED, ...EVENTS];

/** The cursor of a topic passes nothing that the broker has never stored. */
export function cursors(store: Store, hasStored: (topic: string, sequence: bigint) => boolean): string[] {
  return PUBLISHERS.flatMap(({ service }) => {
    const { rows } = store.query(service, 'select topic, published from outbox_head');
    return rows.flatMap(({ topic, published }) => {
      for (let sequence = 1n; sequence <= (published as bigint); sequence++) {
        if (hasStored(topic as string, sequence)) continue;
        return [`I13: the cursor of ${topic} is at ${published}, and ${sequence} was never stored by the broker`];
      }
      return [];
    });
  });
}
