// Ways to break what travels between services, and what they make of it.
import type { Damage } from './audit-damage.ts';
import { CONFIRMED, REJECTED, relative, SKU } from './audit-world.ts';

const stranger = '01900000-0000-7000-8000-0000000000ff';

export const EVENTS_AND_VIEWS: readonly Damage[] = [
  {
    names: 'I13a',
    when: 'a consumer stands still',
    naming: 'orders.shipping',
    damage: [
      [
        'orders',
        `update consumer_watermark set seq = seq - 1, last_event_id = null, lease_until = now() + interval '1 hour'
         where consumer = 'orders.shipping'`,
      ],
      ['shipping', `update outbox set created_at = now() - interval '2 minutes'`],
    ],
  },
  {
    names: 'I13a',
    when: 'a consumer is ahead of its producer',
    naming: 'cart.orders',
    damage: [['cart', 'update consumer_watermark set seq = seq + 1']],
  },
  {
    names: 'I13a',
    when: 'a consumer has applied another event than the producer has',
    naming: 'cart.orders',
    damage: [['cart', 'update consumer_watermark set last_event_id = $1', stranger]],
  },
  {
    names: 'I13b',
    when: 'a command was handled twice',
    naming: 'ReserveStock',
    damage: [
      [
        'inventory',
        `insert into outbox (event_id, topic, type, aggregate_id, payload, traceparent, causation_id, pub_seq)
         select $2, topic, type, aggregate_id, payload, '', causation_id,
           (select seq + 1 from outbox_head h where h.topic = o.topic)
         from outbox o where type = 'stoa.inventory.v1.StockReserved' and aggregate_id = $1`,
        CONFIRMED,
        stranger,
      ],
      [
        'inventory',
        `update outbox_head set seq = seq + 1, published = seq where topic = 'inventory.reservation-events'`,
      ],
      [
        'orders',
        `update consumer_watermark set seq = seq + 1, last_event_id = $1 where consumer = 'orders.inventory'`,
        stranger,
      ],
    ],
  },
  {
    names: 'I14',
    when: 'an aggregate’s versions are numbered the wrong way round',
    naming: CONFIRMED,
    damage: [
      ['payments', 'update outbox set pub_seq = -pub_seq where aggregate_id = $1', CONFIRMED],
      ['payments', 'update outbox set pub_seq = 3 + pub_seq where aggregate_id = $1', CONFIRMED],
    ],
  },
  {
    names: 'I15',
    when: 'the head is not the last number',
    naming: 'payments.events',
    damage: [['payments', 'update outbox_head set seq = seq + 1']],
  },
  {
    names: 'I15',
    when: 'an event was never numbered',
    naming: 'orders.shipping-commands',
    damage: [
      [
        'orders',
        `insert into outbox (event_id, topic, type, aggregate_id, payload, traceparent, created_at)
         values ($1, 'orders.shipping-commands', 'x', 'x', '', '', now() - interval '1 minute')`,
        stranger,
      ],
      ['orders', `update outbox_head set lease_until = now() + interval '1 hour'`],
    ],
  },
  {
    names: 'I16a',
    when: 'an order’s row is ahead of its stream',
    naming: CONFIRMED,
    damage: [['orders', 'update orders set version = version + 1 where id = $1', CONFIRMED]],
  },
  {
    names: 'I16b',
    when: 'the catalog shows stock that is not there',
    naming: SKU,
    damage: [['catalog', 'update sku_availability set available = available + 1']],
  },
  {
    names: 'I16b',
    when: 'a variant’s band does not follow from its stock',
    naming: SKU,
    damage: [
      ['catalog', 'update variants set availability = 2'],
      ['catalog', 'update products set availability = 2'],
    ],
  },
  {
    names: 'I16c',
    when: 'a cart is open although its order is confirmed',
    naming: relative(CONFIRMED, 'cart'),
    damage: [['cart', 'update cart set order_id = null']],
  },
  {
    names: 'I16c',
    when: 'a cart is open with the lines that its order has bought, under a later version',
    naming: relative(CONFIRMED, 'cart'),
    damage: [['cart', 'update cart set order_id = null, version = 5, content_version = 2']],
  },
  {
    names: 'I16c',
    when: 'a cart was spent at another version than its order bought',
    naming: relative(CONFIRMED, 'cart'),
    damage: [['cart', 'update cart set version = 5, content_version = 4']],
  },
  {
    names: 'I16c',
    when: 'a rejected order keeps its cart',
    naming: relative(REJECTED, 'cart'),
    damage: [
      ['cart', 'update cart set order_id = $1, version = 3 where id = $2', REJECTED, relative(REJECTED, 'cart')],
    ],
  },
  {
    names: 'I16d',
    when: 'a customer was never told',
    naming: `${CONFIRMED} order-shipped`,
    damage: [
      ['notifications', `delete from mailbox where template = 'order-shipped'`],
      ['notifications', `delete from notification where template = 'order-shipped'`],
    ],
  },
  {
    names: 'I17',
    when: 'an order is confirmed without the capture of its payment',
    naming: CONFIRMED,
    damage: [['orders', `update outbox set causation_id = $1 where type = 'stoa.orders.v1.OrderConfirmed'`, stranger]],
  },
  {
    names: 'I18',
    when: 'the payment is over another amount than was agreed',
    naming: CONFIRMED,
    damage: [['payments', 'update payment set amount_minor = amount_minor + 1 where order_id = $1', CONFIRMED]],
  },
  {
    names: 'I18',
    when: 'an article was not sold at the price that was quoted',
    naming: SKU,
    damage: [['catalog', 'update variants set price_minor = 999']],
  },
  {
    names: 'I20',
    when: 'a mail was delivered and is still queued',
    naming: CONFIRMED,
    damage: [
      [
        'notifications',
        `update notification set state = 'QUEUED', finished_at = null where template = 'order-confirmed'`,
      ],
    ],
  },
  {
    names: 'I21',
    when: 'a message was parked',
    naming: 'a handler threw',
    damage: [
      [
        'cart',
        `insert into parked_event (consumer, topic, seq, event_id, type, aggregate_id, aggregate_version, payload,
           traceparent, causation_id, occurred_at, error, attempts)
         values ('cart.orders', 'orders.events', 1, $1, 'x', 'x', 1, '', '', '', now(), 'a handler threw', 5)`,
        stranger,
      ],
    ],
  },
];
