// The audit is tested as what it is, a witness: a world in which everything agrees is found in order, and each way of
// breaking it by hand is named as exactly the invariant that it breaks.
import { Writable } from 'node:stream';
import { createLog } from '@stoa/chassis/log';
import { systemRuntime } from '@stoa/chassis/runtime';
import { createTestDatabases, type TestDatabases } from '@stoa/chassis/testing/test-database';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type AuditOptions, runAudit } from '../../src/audit/audit.ts';
import { INVARIANTS } from '../../src/audit/registry.ts';
import { databaseSpecs } from '../../src/services.ts';
import type { Damage } from './audit-damage.ts';
import { EVENTS_AND_VIEWS } from './audit-damage-events.ts';
import { finding, ON_STRIPE, STOCK_AND_MONEY } from './audit-damage-money.ts';
import { ORDERS } from './audit-damage-orders.ts';
import { CONFIRMED, MOVING, REJECTED, relative, writeConsistentWorld } from './audit-world.ts';

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

async function audit(
  options: Partial<Pick<AuditOptions, 'settleMs' | 'betweenLooks' | 'since' | 'databases'>> = {},
): Promise<Said> {
  const parts: string[] = [];
  const out = new Writable({
    write(chunk, _, done) {
      parts.push(String(chunk));
      done();
    },
  });
  const report = await runAudit({
    databases: databases.urls,
    json: false,
    out,
    betweenLooks: async () => {},
    ...options,
  });
  const having = (status: string) => report.invariants.filter((one) => one.status === status).map(({ id }) => id);
  const examples = report.invariants
    .flatMap((one) => one.examples.map(({ key, text }) => `${key}: ${text}`))
    .join('\n');
  return { broken: having('BROKEN'), inFlight: having('IN_FLIGHT'), examples, ok: report.ok, text: parts.join('') };
}

async function inflict(damage: Damage['damage']): Promise<void> {
  for (const [database, text, ...values] of damage) await clients[database]?.query(text, values);
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

  it('is not said to hold where a database is missing', async () => {
    await writeConsistentWorld(clients, { moving: false });
    const { payments: _, ...others } = databases.urls;
    const said = await audit({ databases: others });
    expect(said.text).toMatch(/the other invariants hold; NOT CHECKED: I6a, I6b, I6c, I6d, I6e,/);
  });

  it('is in order when it is empty', async () => {
    expect((await audit()).ok).toBe(true);
  });

  it('counts an unfinished order as in flight, not as broken', async () => {
    await writeConsistentWorld(clients, { moving: true });
    const said = await audit();
    expect(said.examples).toBe('');
    expect(said.ok).toBe(true);
    expect(said.inFlight).toEqual(['I6c', 'I6d', 'I10']);
  });

  it('gives an order whose customer had to act at the bank that much longer', async () => {
    await writeConsistentWorld(clients, { moving: true });
    const placedAgo = (minutes: number) =>
      clients.orders?.query(`update orders set placed_at = now() - make_interval(mins => $2) where id = $1`, [
        MOVING,
        minutes,
      ]);
    await placedAgo(20);
    await clients.orders?.query(`update outbox_head set lease_until = now() + interval '1 hour'`);
    expect((await audit()).broken).toContain('I10');
    // What else this breaks is not asked here.
    await clients.orders?.query(
      `update outbox set type = 'stoa.orders.v1.OrderPaymentActionRequired'
       where aggregate_id = $1 and topic = 'orders.events'`,
      [MOVING],
    );
    expect((await audit()).broken).not.toContain('I10');
    await placedAgo(26);
    expect((await audit()).broken).toContain('I10');
  });

  it('is not at rest while an order is unfinished, whoever waits for it', async () => {
    await writeConsistentWorld(clients, { moving: true });
    const said = await audit({ settleMs: 200 });
    expect(said.ok).toBe(false);
    expect(said.text).toMatch(/^NOT QUIET after \d\.\d s: 1 orders are in flight$/m);
    expect(said.broken).toEqual(['I6c', 'I6d', 'I10']);
  });

  it('is in order when another provider than the sandbox took the money', async () => {
    await writeConsistentWorld(clients, { moving: false });
    await inflict(ON_STRIPE);
    const said = await audit();
    expect(said.examples).toBe('');
    expect(said.inFlight).toEqual([]);
    expect(said.ok).toBe(true);
  });

  it('forgives what a second look no longer sees', async () => {
    await writeConsistentWorld(clients, { moving: false });
    await clients.cart?.query('update cart set order_id = null where order_id = $1', [CONFIRMED]);
    const restore = [CONFIRMED, relative(CONFIRMED, 'cart')];
    let looks = 1;
    const betweenLooks = async () => {
      looks++;
      await clients.cart?.query('update cart set order_id = $1 where id = $2', restore);
    };
    expect((await audit({ betweenLooks })).broken).toEqual([]);
    expect(looks).toBe(2);
  });
});

describe('the audit names the invariant that is broken', () => {
  it.each([...STOCK_AND_MONEY, ...ORDERS, ...EVENTS_AND_VIEWS])(
    '$names when $when',
    async ({ names, moving = false, naming, damage }) => {
      await writeConsistentWorld(clients, { moving });
      await inflict(damage);
      const said = await audit();
      expect(said.broken).toEqual([names]);
      expect(said.examples).toContain(naming);
      expect(said.ok).toBe(false);
    },
  );
});

describe('a charge that comes after its order is over', () => {
  const payment = relative(REJECTED, 'payment');
  const HELD: Damage['damage'] = [['sandbox', `update charge set state = 'AUTHORIZED' where order_ref = $1`, REJECTED]];
  const TAKEN: Damage['damage'] = [
    ['sandbox', `update charge set state = 'CAPTURED', captured_minor = amount_minor where order_ref = $1`, REJECTED],
    [
      'sandbox',
      `insert into ledger (provider_key, payment_id, order_ref, kind, amount_minor, currency, ok, code)
       values ('late', $1, $2, 'capture', 2490, 'EUR', true, '')`,
      payment,
      REJECTED,
    ],
  ];

  it.each([
    ['held', HELD, 'LATE_AUTHORIZATION', ['I7']],
    ['taken', TAKEN, 'LATE_CHARGE', ['I6c', 'I6d']],
  ] as const)('and is %s is in flight while the reconciler has time for it, and broken then', async (...given) => {
    const [, damage, kind, names] = given;
    await writeConsistentWorld(clients, { moving: false });
    await inflict(damage);
    expect((await audit()).broken).toEqual(names);
    await inflict([finding(REJECTED, kind, '4 minutes')]);
    const said = await audit();
    expect(said.broken).toEqual([]);
    expect(said.inFlight.toSorted()).toEqual([...names, 'I6e'].toSorted());
    await clients.payments?.query(`update reconciliation_finding set first_seen = now() - interval '6 minutes'`);
    expect((await audit()).broken.toSorted()).toEqual([...names, 'I6e'].toSorted());
  });

  it.each([
    [
      'is still to come',
      [['sandbox', `update charge set state = 'PROCESSING', appears_at = now() where order_ref = $1`, REJECTED]],
      '1 charges or webhooks of the sandbox are still to come',
    ],
    [
      'is about to be told',
      [['sandbox', `insert into webhook (payment_id, type) values ($1, 'payment.authorized')`, payment]],
      '1 charges or webhooks of the sandbox are still to come',
    ],
    [
      'is to be looked at',
      [['payments', 'insert into reconciliation_suspect (payment_id) values ($1)', payment]],
      '1 payments are being reconciled',
    ],
    ['is being given back', [finding(REJECTED, 'LATE_CHARGE')], '1 payments are being reconciled'],
  ] as const)('and %s is waited for', async (_, damage, busy) => {
    await writeConsistentWorld(clients, { moving: false });
    await inflict(damage);
    // Its authorization has no answer yet.
    await clients.sandbox?.query(`delete from ledger where order_ref = $1 and kind = 'authorize'`, [REJECTED]);
    expect((await audit({ settleMs: 1 })).text).toContain(`NOT QUIET after`);
    expect((await audit({ settleMs: 1 })).text).toContain(busy);
  });

  it('is not waited for when only a person can settle what it left', async () => {
    await writeConsistentWorld(clients, { moving: false });
    await inflict([
      finding(CONFIRMED, 'STATE_MISMATCH'),
      ['payments', 'insert into reconciliation_suspect (payment_id, looks) values ($1, 3)', payment],
    ]);
    const said = await audit({ settleMs: 1 });
    expect(said.text).toMatch(/^quiet after/m);
    expect(said.broken).toEqual(['I6e']);
  });
});

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);
const DAMAGES = [...STOCK_AND_MONEY, ...ORDERS, ...EVENTS_AND_VIEWS];
/** One way for each invariant. */
const ONE_EACH = [...new Map(DAMAGES.map((damage) => [damage.names, damage])).values()];

describe('--since', () => {
  it.each(ONE_EACH)(
    'names $names when $when, of an order placed since',
    async ({ names, moving = false, naming, damage }) => {
      await writeConsistentWorld(clients, { moving });
      await inflict(damage);
      const said = await audit({ since: ago(3600) });
      expect(said.broken).toEqual([names]);
      expect(said.examples).toContain(naming);
    },
  );

  it('passes over what is wrong with older orders', async () => {
    await writeConsistentWorld(clients, { moving: true });
    await clients.orders?.query('delete from idempotency_key where order_id = $1', [CONFIRMED]);
    await clients.inventory?.query(`update reservation set state = 'RELEASED' where order_id = $1`, [CONFIRMED]);
    await clients.sandbox?.query('delete from ledger where order_ref = $1', [CONFIRMED]);
    await clients.inventory?.query('update stock set reserved = 0');
    const said = await audit({ since: ago(10) });
    // Sums over all orders are not narrowed.
    expect(said.broken).toEqual(['I3', 'I16b']);
    expect(said.inFlight).toEqual([]);
    expect(said.text).toMatch(/^orders placed since \d{4}-.*Z, and sums over the whole shop$/m);
    expect(said.text).toMatch(/^I16a .* OK +0 orders$/m);
  });
});
