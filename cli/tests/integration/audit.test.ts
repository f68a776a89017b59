// The audit is tested as what it is, a witness: a world in which everything agrees is found in order, and each way of
// breaking it by hand is named as exactly the invariant that it breaks.
import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { createLog } from '@stoa/chassis/log';
import { systemRuntime } from '@stoa/chassis/runtime';
import { createTestDatabases, type TestDatabases } from '@stoa/chassis/testing/test-database';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { runAudit } from '../../src/audit/audit.ts';
import { INVARIANTS } from '../../src/audit/registry.ts';
import { databaseSpecs } from '../../src/services.ts';
import { CONFIRMED, falsifiedEvent, MOVING, REJECTED, relative, SKU, writeConsistentWorld } from './audit-world.ts';

let databases: TestDatabases;
let clients: Record<string, pg.Client>;

beforeAll(async () => {
  databases = await createTestDatabases({
    adminUrl: inject('postgresUrl'),
    runtime: systemRuntime(),
    log: createLog('silent'),
    databases: Object.fromEntries(
      databaseSpecs().map(({ name, migrations, chassis }) => [name, { folder: migrations, chassis }]),
    ),
  });
  const opened = Object.entries(databases.urls).map(async ([name, connectionString]) => {
    const client = new pg.Client({ connectionString });
    await client.connect();
    return [name, client] as const;
  });
  clients = Object.fromEntries(await Promise.all(opened));
});

afterAll(async () => {
  await Promise.all(Object.values(clients ?? {}).map((client) => client.end()));
  await databases?.drop();
});

/** Empties every table but those that migrations filled. */
afterEach(async () => {
  for (const client of Object.values(clients)) {
    const { rows } = await client.query<{ name: string }>(`
      select quote_ident(tablename) as name from pg_tables
      where schemaname = 'public' and tablename not in ('schema_migration', 'shipping_method', 'shipping_price')`);
    await emptyTables(
      client,
      rows.map(({ name }) => name),
    );
  }
});

/** The service's role may not truncate; tables that others refer to are emptied after those. */
async function emptyTables(client: pg.Client, names: readonly string[]): Promise<void> {
  let left = [...names];
  while (left.length > 0) {
    const refused: string[] = [];
    for (const name of left) await client.query(`delete from ${name}`).catch(() => refused.push(name));
    if (refused.length === left.length) throw new Error(`cannot be emptied: ${refused.join(', ')}`);
    left = refused;
  }
}

interface Said {
  readonly broken: readonly string[];
  readonly inFlight: readonly string[];
  readonly examples: string;
  readonly ok: boolean;
  readonly text: string;
}

async function audit(options: { readonly settleMs?: number; readonly secondLookMs?: number } = {}): Promise<Said> {
  const parts: string[] = [];
  const out = new Writable({
    write(chunk, _, done) {
      parts.push(String(chunk));
      done();
    },
  });
  const report = await runAudit({ databases: databases.urls, json: false, out, secondLookMs: 1, ...options });
  const having = (status: string) => report.invariants.filter((one) => one.status === status).map(({ id }) => id);
  const examples = report.invariants
    .flatMap((one) => one.examples.map(({ key, text }) => `${key}: ${text}`))
    .join('\n');
  return { broken: having('BROKEN'), inFlight: having('IN_FLIGHT'), examples, ok: report.ok, text: parts.join('') };
}

describe('a world in which everything agrees', () => {
  it('is found in order, invariant by invariant', async () => {
    await writeConsistentWorld(clients, { moving: false });
    const said = await audit();
    expect(said.examples).toBe('');
    expect(said.inFlight).toEqual([]);
    expect(said.ok).toBe(true);
    for (const { id, title } of INVARIANTS) expect(said.text).toMatch(new RegExp(`^${id} +${title} +OK`, 'm'));
  });

  it('is in order when it is empty', async () => {
    expect((await audit()).ok).toBe(true);
  });

  it('counts an unfinished order as in flight, not as broken', async () => {
    await writeConsistentWorld(clients, { moving: true });
    const said = await audit();
    expect(said.examples).toBe('');
    expect(said.ok).toBe(true);
    expect(said.inFlight).toEqual(['I6a', 'I6c', 'I10']);
  });

  it('is not at rest while an order is unfinished, whoever waits for it', async () => {
    await writeConsistentWorld(clients, { moving: true });
    const said = await audit({ settleMs: 200 });
    expect(said.ok).toBe(false);
    expect(said.text).toMatch(/^NOT QUIET after \d\.\d s: 1 orders are in flight$/m);
    expect(said.broken).toEqual(['I6a', 'I6c', 'I10']);
  });

  it('forgives what a second look no longer sees', async () => {
    await writeConsistentWorld(clients, { moving: false });
    await clients.cart?.query('update cart set order_id = null where order_id = $1', [CONFIRMED]);
    const running = audit({ secondLookMs: 1500 });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const restore = [CONFIRMED, relative(CONFIRMED, 'cart')];
    await clients.cart?.query('update cart set order_id = $1 where id = $2', restore);
    expect((await running).broken).toEqual([]);
  });
});

interface Damage {
  readonly names: string;
  readonly when: string;
  readonly moving?: boolean;
  /** What the finding must name. */
  readonly naming: string;
  /** Statements by database. */
  readonly damage: readonly (readonly [database: string, text: string, ...values: unknown[]])[];
}

const payment = relative(CONFIRMED, 'payment');
const stranger = randomUUID();

const DAMAGES: readonly Damage[] = [
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
      ['inventory', 'update stock_receipt_line set quantity = quantity + 1'],
    ],
  },
  {
    names: 'I4',
    when: 'a rejected order keeps its stock',
    naming: REJECTED,
    damage: [
      ['inventory', `update reservation set state = 'COMMITTED' where order_id = $1`, REJECTED],
      ['inventory', 'update stock set reserved = reserved + 2, on_hand = on_hand + 2'],
      ['inventory', 'update stock_receipt_line set quantity = quantity + 2'],
    ],
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
    names: 'I7',
    when: 'money is held for an order that is over',
    naming: relative(REJECTED, 'payment'),
    damage: [['sandbox', `update charge set state = 'AUTHORIZED' where order_ref = $1`, REJECTED]],
  },
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

describe('the audit names the invariant that is broken', () => {
  it.each(DAMAGES)('$names when $when', async ({ names, moving = false, naming, damage }) => {
    await writeConsistentWorld(clients, { moving });
    for (const [database, text, ...values] of damage) await clients[database]?.query(text, values);
    const said = await audit();
    expect(said.broken).toEqual([names]);
    expect(said.examples).toContain(naming);
    expect(said.ok).toBe(false);
  });
});
