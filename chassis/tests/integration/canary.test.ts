// Two versions of a consumer on one database and one broker: each event takes effect once, in its aggregate's order,
// whatever the share, whoever dies, and when it is rolled back.
import { setTimeout as sleep } from 'node:timers/promises';
import { bucketOf } from '@stoa/chassis/events/share';
import { sql } from '@stoa/chassis/postgres/sql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AppliedRow, type CanaryShop, openCanaryShop } from './canary-shop.ts';

let shop: CanaryShop;
beforeEach(async () => {
  shop = await openCanaryShop();
});
afterEach(() => shop.close());

const patience = { timeout: 60_000, interval: 50 };
const SKUS = Array.from({ length: 200 }, (_, n) => `sku-${n}`);
const below = (percent: number) => SKUS.filter((sku) => bucketOf(sku) < percent);
const settled = () => expect.poll(() => shop.count('applied'), patience).toBe(shop.written());
const by = (version: string, rows: readonly AppliedRow[]) => rows.filter((row) => row.by === version);
const skusOf = (rows: readonly AppliedRow[]) => [...new Set(rows.map(({ sku }) => sku))].sort();

/** Every SKU's versions are 1, 2, 3, … without a gap or a repetition, in the order in which they took effect. */
function expectOrder(rows: readonly AppliedRow[]) {
  const next = new Map<string, bigint>();
  for (const { sku, version } of rows) {
    expect(`${sku} ${version}`).toBe(`${sku} ${(next.get(sku) ?? 0n) + 1n}`);
    next.set(sku, version);
  }
}

/** All SKUs change, a part at a time, as an order's events come: one after the other and never all at once. */
async function load(rounds: number) {
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < SKUS.length; at += 40) {
      await shop.change(SKUS.slice(at, at + 40));
      await sleep(5);
    }
  }
}

/** Loads until the canary has handled something more. */
async function loadUntilCanaryWorked() {
  const before = by('v2', await shop.applied()).length;
  await expect
    .poll(async () => {
      await load(1);
      return by('v2', await shop.applied()).length;
    }, patience)
    .toBeGreaterThan(before);
}

describe('a canary of a consumer', () => {
  test('takes its share as it grows, dies in the middle of a transaction, comes back, and is rolled back; the stable one dies too', async () => {
    await shop.rollout('v2', 0);
    let stable = await shop.run('v1');
    const dying = await shop.run('v2', { STOA_FAILPOINTS: 'canary.before_commit=kill@4' });
    await load(2);
    await settled();
    expect(by('v2', await shop.applied())).toEqual([]);

    await shop.rollout('v2', 25);
    await loadUntilCanaryWorked();
    await shop.rollout('v2', 50);
    const loading = load(12);
    await dying.ended;
    await loading;
    // Nobody is told: the lease of the dead one runs out, and the stable version goes on with its share.
    await settled();

    await shop.run('v2');
    await loadUntilCanaryWorked();
    // The other one dies as well, with its canary at work, and comes back.
    const meanwhile = load(6);
    await stable.end('SIGKILL');
    stable = await shop.run('v1');
    await meanwhile;
    await shop.rollout('v2', 50, 'rolled back');
    await load(4);
    await settled();
    expect(await shop.count('handed_event')).toBe(0);

    const rows = await shop.applied();
    expectOrder(rows);
    // A share is a share of the aggregates, and it is the agreed one.
    expect(skusOf(by('v2', rows)).filter((sku) => bucketOf(sku) >= 50)).toEqual([]);
    expect(below(25).length / SKUS.length).toBeGreaterThan(0.15);
    expect(below(25).length / SKUS.length).toBeLessThan(0.35);
    expect(skusOf(by('v2', rows)).length).toBeGreaterThan(below(25).length);

    // After it was rolled back it handles nothing more, although its process runs.
    const last = by('v2', rows).length;
    await load(2);
    await settled();
    expect(by('v2', await shop.applied())).toHaveLength(last);
    await stable.end('SIGTERM');
  });

  test('gives back what it cannot handle; what follows it waits, and what neither can handle is parked', async () => {
    const [first = '', second = '', healthy = ''] = below(50);
    await shop.orders.run(sql`insert into poison (sku, by) values (${first}, 'v2'), (${second}, 'any')`);
    await shop.rollout('v2', 50);
    await shop.run('v1');
    await shop.run('v2');
    await expect
      .poll(async () => {
        await shop.change([healthy]);
        return by('v2', await shop.applied()).length;
      }, patience)
      .toBeGreaterThan(0);
    for (let n = 0; n < 5; n++) await shop.change([first, second]);
    await expect
      .poll(async () => by('v1', await shop.applied()).filter(({ sku }) => sku === first).length, patience)
      .toBe(5);
    await expect.poll(() => shop.count('parked_event'), patience).toBe(5);
    expect(skusOf(await shop.applied())).not.toContain(second);

    await shop.orders.run(sql`delete from poison`);
    await shop.orders.run(
      sql`update parked_event set redrive_at = now() where seq = (select min(seq) from parked_event)`,
    );
    await shop.change([second]);
    await settled();
    expectOrder(await shop.applied());
  });

  test('holds up nobody but its own aggregates when it hangs in a transaction', async () => {
    await shop.orders.run(sql`
      insert into canary_lane (consumer, topic, owner, lease_until)
      values ('orders.shipments', 'shipping.events', 'canary v2', now() + interval '1 hour')`);
    await shop.rollout('v2', 100);
    await shop.run('v1');
    await shop.change(['held']);
    await expect.poll(() => shop.count('handed_event'), patience).toBe(1);
    await shop.rollout('v2', 0);
    await shop.orders.transact(async (tx) => {
      await tx.run(sql`update canary_lane set owner = owner`);
      // Long enough for the stable version to look for what it may take back.
      for (let round = 0; round < 4; round++) {
        await load(1);
        await expect
          .poll(async () => Number((await tx.one(sql<{ n: bigint }>`select count(*) as n from applied`)).n), patience)
          .toBe(shop.written() - 1);
        await sleep(1500);
      }
    });
    await shop.rollout('v2', 0, 'rolled back');
    await settled();
    expectOrder(await shop.applied());
  });

  test('gets what is pinned to it, whatever its share, and passes the pin on', async () => {
    await shop.rollout('v2', 0);
    await shop.run('v1');
    await shop.run('v2');
    await expect
      .poll(async () => {
        await shop.change(['pinned'], 'orders');
        return by('v2', await shop.applied()).length;
      }, patience)
      .toBeGreaterThan(0);
    await shop.change(['other'], 'cart');
    await shop.change(['always'], 'always');
    await settled();
    const rows = await shop.applied();
    expectOrder(rows);
    expect(rows.find(({ sku }) => sku === 'always')).toMatchObject({ by: 'v2', pin: 'always' });
    expect(rows.find(({ sku }) => sku === 'other')).toMatchObject({ by: 'v1', pin: 'cart' });
    const sent = await shop.orders.rows(sql<{ canary: string; written_by: string }>`
      select distinct o.canary, o.written_by from outbox o join applied a on a.event_id::text = o.aggregate_id
      where a.sku in ('always', 'other') order by o.canary`);
    expect(sent).toEqual([
      { canary: 'always', written_by: 'stoa-orders v2' },
      { canary: 'cart', written_by: 'stoa-orders v1' },
    ]);
  });

  test('leaves what it did not come to when it dies; nothing overtakes it on its way back', async () => {
    await shop.rollout('v2', 100);
    await shop.run('v1');
    const canary = await shop.run('v2');
    await loadUntilCanaryWorked();
    await settled();
    await canary.end('SIGKILL');
    // Its lease still lives, for as long as this machine may need: these are handed to a dead process.
    await shop.orders.run(sql`update canary_lane set lease_until = now() + interval '5 minutes'`);
    await shop.change(SKUS);
    await expect.poll(() => shop.count('handed_event'), patience).toBe(SKUS.length);
    await shop.rollout('v2', 100, 'rolled back');
    await shop.change(SKUS);
    await settled();
    expectOrder(await shop.applied());
    expect(await shop.count('handed_event')).toBe(0);
  });

  test('does nothing more when another canary takes its place, although its process lives', async () => {
    await shop.rollout('v2', 100);
    await shop.run('v2');
    const alive = sql<{ n: bigint }>`select count(*) as n from canary_lane where lease_until > now()`;
    const leases = async () => Number((await shop.orders.one(alive)).n);
    await expect.poll(leases, patience).toBe(1);
    await shop.orders.transact(async (tx) => {
      await tx.run(sql`insert into canary_rejected (version, state) values ('v2', 'superseded')`);
      await tx.run(sql`update canary set version = 'v3', percent = 0`);
    });
    await expect.poll(leases, patience).toBe(0);
    await shop.change(SKUS);
    await shop.run('v1');
    await settled();
    expect(by('v1', await shop.applied())).toHaveLength(SKUS.length);
  });

  test('becomes the stable version as it runs, when it is promoted', async () => {
    await shop.rollout('v2', 100);
    const old = await shop.run('v1');
    await shop.run('v2');
    await load(1);
    await shop.rollout('v2', 100, 'promoted');
    await old.end('SIGTERM');
    await load(2);
    await settled();
    await shop.change(['later']);
    await settled();
    const rows = await shop.applied();
    expectOrder(rows);
    expect(rows.find(({ sku }) => sku === 'later')?.by).toBe('v2');
  });
});
