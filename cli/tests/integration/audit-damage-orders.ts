// Ways to break what orders promise of themselves.
import type { Damage } from './audit-damage.ts';
import { CONFIRMED, falsifiedEvent, MOVING, REJECTED } from './audit-world.ts';

const stranger = '01900000-0000-7000-8000-0000000000ff';

export const ORDERS: readonly Damage[] = [
  {
    names: 'I8',
    when: 'an order has lost its contact',
    naming: CONFIRMED,
    damage: [['orders', 'delete from order_contact where order_id = $1', CONFIRMED]],
  },
  {
    names: 'I8',
    when: 'an order has lost its key',
    naming: CONFIRMED,
    damage: [['orders', 'delete from idempotency_key where order_id = $1', CONFIRMED]],
  },
  {
    names: 'I8',
    when: 'another service knows an order that orders has lost',
    naming: stranger,
    damage: [
      [
        'shipping',
        `insert into shipment (order_id, state, method_id, reason) values ($1, 'REFUSED', 'x', 'UNKNOWN_METHOD')`,
        stranger,
      ],
    ],
  },
  {
    names: 'I9',
    when: 'a key leads to an order that its request did not ask for',
    naming: `key-of-${CONFIRMED}`,
    damage: [['orders', `update idempotency_key set request_hash = sha256('') where order_id = $1`, CONFIRMED]],
  },
  {
    names: 'I9',
    when: 'an order was placed under two keys',
    naming: CONFIRMED,
    damage: [
      [
        'orders',
        `insert into idempotency_key (scope, key, request_hash, order_id)
         select scope, 'another', request_hash, order_id from idempotency_key where order_id = $1`,
        CONFIRMED,
      ],
    ],
  },
  {
    names: 'I10',
    when: 'an order is unfinished for longer than any step takes',
    moving: true,
    naming: MOVING,
    damage: [
      ['orders', `update orders set placed_at = now() - interval '1 hour' where id = $1`, MOVING],
      ['orders', `update outbox_head set lease_until = now() + interval '1 hour'`],
    ],
  },
  {
    names: 'I10',
    when: 'no timer will ever wake an unfinished order',
    moving: true,
    naming: MOVING,
    damage: [['orders', 'update saga set wake_at = null where saga_id = $1', MOVING]],
  },
  {
    names: 'I11a',
    when: 'an event changed what it is not about',
    naming: CONFIRMED,
    damage: [
      [
        'orders',
        `update outbox set payload = $2 where aggregate_id = $1 and type = 'stoa.orders.v1.OrderConfirmed'`,
        CONFIRMED,
        falsifiedEvent(CONFIRMED),
      ],
    ],
  },
  {
    names: 'I11b',
    when: 'a saga has skipped a state',
    naming: CONFIRMED,
    damage: [
      ['orders', `update saga_transition set to_state = 'CAPTURING' where saga_id = $1 and version = 3`, CONFIRMED],
      ['orders', `update saga_transition set from_state = 'CAPTURING' where saga_id = $1 and version = 4`, CONFIRMED],
    ],
  },
  {
    names: 'I11b',
    when: 'a transition is missing',
    naming: CONFIRMED,
    damage: [['orders', 'delete from saga_transition where saga_id = $1 and version = 2', CONFIRMED]],
  },
  {
    names: 'I12',
    when: 'a completed checkout has a payment that was not captured',
    naming: CONFIRMED,
    damage: [['payments', `update payment set state = 'AUTHORIZED' where order_id = $1`, CONFIRMED]],
  },
  {
    names: 'I12',
    when: 'a compensated checkout ships all the same',
    naming: REJECTED,
    damage: [
      [
        'shipping',
        `insert into shipment (order_id, id, state, method_id, tracking_number) values ($1, $2, 'CREATED', 'x', 'ST2')`,
        REJECTED,
        stranger,
      ],
    ],
  },
];
