// Read models are rebuilt from events beside the live ones, compared and put right; what is sound is left alone.

import { catalog } from '@stoa/catalog';
import { openHeads } from '@stoa/chassis/events/outbox';
import { numberOnce } from '@stoa/chassis/events/sequencer';
import { sql } from '@stoa/chassis/postgres/sql';
import { received, type TestService, testService } from '@stoa/chassis/testing/test-service';
import { inventory } from '@stoa/inventory';
import { StockLevelChangedSchema } from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { listActions } from '../../src/operate/actions.ts';
import { availability } from '../../src/operate/rebuild/availability.ts';
import { ordersView } from '../../src/operate/rebuild/orders-view.ts';
import { rebuild } from '../../src/operate/rebuild/rebuild.ts';
import type { OpenShopData } from '../../src/operate/shop-data.ts';
import { openData, openShop, type Shop } from './operate-shop.ts';

const maria = { by: 'maria', why: 'the read model was damaged' };

describe('orders.view', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await openShop();
  });
  afterAll(() => shop.stop());

  it('that is sound compares equal to its events and is left alone', async () => {
    await shop.orderIn('AUTHORIZING');
    await shop.orderIn('ARRANGING_SHIPMENT');
    const done = await rebuild(shop.data, ordersView, undefined);
    expect(done).toMatchObject({ missing: 0, extra: 0, different: 0, swapped: undefined });
    expect(done.live).toEqual({ ...done.rebuilt, rows: 2 });
  });

  it('is put right where a row was edited by hand, and the deed is recorded', async () => {
    const orderId = await shop.orderIn('ARRANGING_SHIPMENT');
    await shop.db.run(sql`
      update orders set status = 'CANCELLED', total_minor = 1, state = 'x'::bytea where id = ${orderId}`);
    const shown = await rebuild(shop.data, ordersView, undefined);
    expect(shown.examples).toMatchObject([
      { key: orderId, kind: 'different', columns: { status: ['CANCELLED', 'CONFIRMED'], total_minor: ['1', '4488'] } },
    ]);
    expect(shown.live.hash).not.toBe(shown.rebuilt.hash);
    expect(await shop.statusOf(orderId)).toBe('CANCELLED');

    expect(await rebuild(shop.data, ordersView, maria)).toMatchObject({ swapped: 1 });
    expect(await shop.statusOf(orderId)).toBe('CONFIRMED');
    expect(await rebuild(shop.data, ordersView, undefined)).toMatchObject({ different: 0 });
    expect(await listActions(shop.data, 5, 'orders.view')).toMatchObject([{ action: 'rebuild', by: 'maria' }]);
  });

  it('takes in what happened between the comparison and the swap', async () => {
    const orderId = await shop.orderIn('CAPTURING');
    await shop.db.run(sql`update orders set currency = 'USD' where id = ${orderId}`);
    const moving = {
      ...ordersView,
      renew: async (...args: Parameters<typeof ordersView.renew>) => {
        await shop.reply(orderId, 'PaymentCaptured');
        return ordersView.renew(...args);
      },
    };
    await rebuild(shop.data, moving, maria);
    expect(await shop.statusOf(orderId)).toBe('CONFIRMED');
    expect(await rebuild(shop.data, ordersView, undefined)).toMatchObject({ missing: 0, extra: 0, different: 0 });
  });
});

describe('catalog.availability', () => {
  const topic = 'inventory.stock-events';
  let producing: TestService;
  let consuming: TestService;
  let data: OpenShopData;
  beforeAll(async () => {
    const silent = { postgresUrl: inject('postgresUrl'), logLevel: 'silent' } as const;
    [producing, consuming] = await Promise.all([testService(inventory, silent), testService(catalog, silent)]);
    const urls = { ...producing.urls, ...consuming.urls };
    data = openData(urls);
  });
  afterAll(async () => {
    await data.close();
    await Promise.all([producing.stop(), consuming.stop()]);
  });
  beforeEach(async () => {
    await producing.db.run(sql`delete from outbox`);
    await producing.db.run(sql`delete from outbox_head`);
    await consuming.db.run(sql`delete from sku_availability`);
    await consuming.db.run(sql`delete from consumer_watermark`);
    await consuming.db.run(sql`delete from parked_event`);
  });

  type Level = readonly [sku: string, version: bigint, available: bigint];

  /** Published, numbered, and applied up to the last but so many. */
  async function tell(levels: readonly Level[], behind = 0): Promise<void> {
    const init = ([sku, version, available]: Level) => ({ sku, version, onHand: available, available });
    await producing.db.transact(async (tx) => {
      for (const level of levels) producing.context.publish(tx, StockLevelChangedSchema, init(level));
    });
    await producing.db.transact((tx) => openHeads(tx, [topic]));
    await numberOnce(producing.db, [topic]);
    const applied = levels.slice(0, levels.length - behind);
    for (const level of applied) {
      await consuming.deliver('catalog.availability', [received(StockLevelChangedSchema, init(level))]);
    }
    await consuming.db.run(sql`
      insert into consumer_watermark as w (consumer, topic, epoch, seq)
      values ('catalog.availability', ${topic}, 1, ${applied.length})
      on conflict (consumer, topic) do update set seq = w.seq + excluded.seq`);
  }

  const levels = async () =>
    (
      await consuming.db.rows(sql<{ sku: string; available: bigint }>`
        select sku, available from sku_availability order by sku`)
    ).map(({ sku, available }) => `${sku} ${available}`);

  it('is judged at the consumer’s watermark: what it has not applied yet is no difference', async () => {
    await tell(
      [
        ['A', 1n, 5n],
        ['B', 1n, 6n],
        ['A', 2n, 4n],
      ],
      1,
    );
    const done = await rebuild(data, availability, undefined);
    expect(done).toMatchObject({ missing: 0, extra: 0, different: 0, built: { events: 2, kept: 0 } });
  });

  it('gets back what was lost, changed or invented, and nothing else is written', async () => {
    await tell([
      ['A', 1n, 5n],
      ['B', 1n, 6n],
      ['C', 1n, 7n],
    ]);
    await consuming.db.run(sql`delete from sku_availability where sku = 'A'`);
    await consuming.db.run(sql`update sku_availability set available = 99, version = 50 where sku = 'B'`);
    await consuming.db.run(sql`insert into sku_availability (sku, available, version) values ('GHOST', 1, 1)`);
    const done = await rebuild(data, availability, maria);
    expect(done).toMatchObject({ missing: 1, extra: 1, different: 1, swapped: 3 });
    expect(await levels()).toEqual(['A 5', 'B 6', 'C 7']);
    expect(await rebuild(data, availability, undefined)).toMatchObject({ missing: 0, extra: 0, different: 0 });
  });

  it('leaves out what is parked: it was not applied to the live one either', async () => {
    await tell(
      [
        ['A', 1n, 5n],
        ['A', 2n, 4n],
      ],
      1,
    );
    const record = await producing.db.one(sql<{ event_id: string; payload: Buffer }>`
      select event_id, payload from outbox where pub_seq = 2`);
    await consuming.db.run(sql`
      insert into parked_event (consumer, topic, seq, event_id, type, aggregate_id, aggregate_version, payload,
        traceparent, causation_id, occurred_at, error, attempts)
      values ('catalog.availability', ${topic}, 2, ${record.event_id}, ${StockLevelChangedSchema.typeName}, 'A', 2,
        ${record.payload}, '', '', now(), 'broken', 5)`);
    await consuming.db.run(sql`update consumer_watermark set seq = 2`);
    expect(await rebuild(data, availability, undefined)).toMatchObject({ different: 0, built: { events: 1 } });
  });

  it('keeps rows whose events retention has deleted', async () => {
    await tell([
      ['OLD', 1n, 5n],
      ['NEW', 1n, 6n],
    ]);
    await producing.db.run(sql`delete from outbox where aggregate_id = 'OLD'`);
    await consuming.db.run(sql`update sku_availability set available = 0 where sku = 'NEW'`);
    expect(await rebuild(data, availability, maria)).toMatchObject({ built: { kept: 1 }, extra: 0, different: 1 });
    expect(await levels()).toEqual(['NEW 6', 'OLD 5']);
  });
});
