// Ways to break what is said of stock and money.
import type { Damage } from './audit-damage.ts';
import { CONFIRMED, MOVING, REJECTED, relative, SKU } from './audit-world.ts';

const stranger = '01900000-0000-7000-8000-0000000000ff';
const payment = relative(CONFIRMED, 'payment');

/** As if another provider had moved all money of the shop: the sandbox has never heard of it. */
export const ON_STRIPE: Damage['damage'] = [
  ['payments', `update ledger_entry set account = 'provider:stripe' where account = 'provider:sandbox'`],
  ['sandbox', 'delete from ledger'],
  ['sandbox', 'delete from charge'],
];

/** What the reconciler has found of a payment and not settled. */
export const finding = (order: string, kind: string, age = '0'): Damage['damage'][number] => [
  'payments',
  `insert into reconciliation_finding (payment_id, kind, reference, detail, first_seen)
   values ($1, $2, 'pi_1', 'they differ', now() - $3::interval)`,
  relative(order, 'payment'),
  kind,
  age,
];

export const STOCK_AND_MONEY: readonly Damage[] = [
  {
    names: 'I1',
    when: 'goods are on hand that were never received',
    naming: SKU,
    damage: [['inventory', 'update stock_receipt_line set quantity = quantity - 1']],
  },
  {
    names: 'I3',
    when: 'more is counted as reserved than reservations hold',
    naming: SKU,
    damage: [
      ['inventory', 'update stock set reserved = reserved + 1, on_hand = on_hand + 1'],
      ['inventory', 'update stock_receipt_line set quantity = quantity + 1 where quantity > 0'],
    ],
  },
  {
    names: 'I4',
    when: 'a rejected order keeps its stock',
    naming: REJECTED,
    damage: [
      ['inventory', `update reservation set state = 'COMMITTED' where order_id = $1`, REJECTED],
      ['inventory', 'update stock set reserved = reserved + 2, on_hand = on_hand + 2'],
      ['inventory', 'update stock_receipt_line set quantity = quantity + 2 where quantity > 0'],
    ],
  },
  {
    names: 'I4',
    when: 'the goods of a rejected order were shipped',
    naming: REJECTED,
    damage: [['inventory', `update reservation set state = 'SHIPPED' where order_id = $1`, REJECTED]],
  },
  {
    names: 'I4',
    when: 'a sale has lost its stock',
    naming: CONFIRMED,
    damage: [['inventory', `update reservation set state = 'RELEASED' where order_id = $1`, CONFIRMED]],
  },
  {
    names: 'I4',
    when: 'a hold outlives its end',
    moving: true,
    naming: MOVING,
    damage: [
      [
        'inventory',
        `update reservation set state = 'HELD', expires_at = now() - interval '2 minutes' where order_id = $1`,
        MOVING,
      ],
      ['inventory', `update outbox_head set lease_until = now() + interval '1 hour'`],
    ],
  },
  {
    names: 'I5',
    when: 'the provider was asked under a second payment id',
    naming: CONFIRMED,
    damage: [
      [
        'sandbox',
        `insert into charge (payment_id, order_ref, authorize_key, token, amount_minor, currency, state)
         values ($1, $2, '', '', 1, 'EUR', 'DECLINED')`,
        stranger,
        CONFIRMED,
      ],
    ],
  },
  {
    names: 'I6a',
    when: 'less was kept than the order costs',
    naming: CONFIRMED,
    damage: [['payments', 'update payment set captured_minor = captured_minor - 1 where order_id = $1', CONFIRMED]],
  },
  {
    names: 'I6b',
    when: 'a movement is booked with two amounts',
    naming: `${payment}:capture`,
    damage: [['payments', `update ledger_entry set credit_minor = credit_minor + 1 where account = 'orders'`]],
  },
  {
    names: 'I6c',
    when: 'the provider booked another currency than we did',
    naming: `${payment}:capture`,
    damage: [['sandbox', `update ledger set currency = 'USD' where kind = 'capture'`]],
  },
  {
    names: 'I6d',
    when: 'the sandbox’s charge has kept less than its ledger says',
    naming: CONFIRMED,
    damage: [['sandbox', 'update charge set captured_minor = captured_minor - 1 where order_ref = $1', CONFIRMED]],
  },
  {
    names: 'I6e',
    when: 'the provider differs and only a person can say who is right',
    naming: payment,
    damage: [finding(CONFIRMED, 'STATE_MISMATCH')],
  },
  {
    names: 'I6e',
    when: 'a late charge has not been given back in time',
    naming: relative(REJECTED, 'payment'),
    damage: [finding(REJECTED, 'LATE_CHARGE', '6 minutes')],
  },
  {
    names: 'I6e',
    when: 'an outside provider does not have what was captured',
    naming: payment,
    damage: [...ON_STRIPE, finding(CONFIRMED, 'MISSING_AT_PROVIDER')],
  },
  {
    names: 'I6a',
    when: 'less was kept by an outside provider than the order costs',
    naming: CONFIRMED,
    damage: [
      ...ON_STRIPE,
      ['payments', 'update payment set captured_minor = captured_minor - 1 where order_id = $1', CONFIRMED],
    ],
  },
  {
    names: 'I7',
    when: 'money is held for an order that is over',
    naming: relative(REJECTED, 'payment'),
    damage: [['sandbox', `update charge set state = 'AUTHORIZED' where order_ref = $1`, REJECTED]],
  },
];
