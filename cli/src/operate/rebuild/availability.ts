// catalog.availability: what inventory last said of each SKU, from inventory's outbox up to the catalogue's watermark.

import { fromBinary } from '@bufbuild/protobuf';
import { refreshProducts } from '@stoa/catalog/infrastructure/refresh-products';
import { takeWritersTurn } from '@stoa/catalog/infrastructure/writers-lock';
import { readWindow } from '@stoa/chassis/events/outbox';
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { StockLevelChangedSchema } from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import type { ShopData } from '../shop-data.ts';
import { type Built, type ReadModel, SHADOW, statement } from './read-model.ts';

const CONSUMER = 'catalog.availability';
const TOPIC = 'inventory.stock-events';
const PAGE = 1000;

interface Level {
  readonly sku: string;
  readonly available: bigint;
  readonly version: bigint;
}

/** Messages that the consumer has passed without applying them: they wait for an operator, or were dropped. */
async function unapplied(tx: Tx): Promise<Set<bigint>> {
  const rows = await tx.rows(sql<{ seq: bigint }>`
    select seq from parked_event where consumer = ${CONSUMER} and resolution is distinct from 'redriven'
    union all
    select seq from handed_event where consumer = ${CONSUMER}`);
  return new Set(rows.map(({ seq }) => seq));
}

async function store(tx: Tx, levels: readonly Level[]): Promise<void> {
  // The consumer's own rule: the newer version stands.
  const newest = new Map<string, Level>();
  for (const level of levels) {
    const known = newest.get(level.sku);
    if (known === undefined || known.version < level.version) newest.set(level.sku, level);
  }
  const rows = [...newest.values()];
  await tx.run(
    statement(
      `insert into ${SHADOW} as known (sku, available, version)
       select * from unnest($1::text[], $2::bigint[], $3::bigint[])
       on conflict (sku) do update set available = excluded.available, version = excluded.version
       where known.version < excluded.version`,
      rows.map(({ sku }) => sku),
      rows.map(({ available }) => available),
      rows.map(({ version }) => version),
    ),
  );
}

const toLevel = (payload: Uint8Array): Level => {
  const { sku, available, version } = fromBinary(StockLevelChangedSchema, payload);
  return { sku, available, version };
};

const watermark = (tx: Tx) =>
  tx.maybe(sql<{ seq: bigint }>`
    select seq from consumer_watermark where consumer = ${CONSUMER} and topic = ${TOPIC}`);

async function build(tx: Tx, data: ShopData): Promise<Built> {
  const upTo = (await watermark(tx))?.seq ?? 0n;
  const passed = await unapplied(tx);
  const producer = data.at('inventory');
  let [after, events, first] = [0n, 0, 0n];
  while (after < upTo) {
    const page = (await readWindow(producer, TOPIC, after, PAGE)).filter(({ sequence }) => sequence <= upTo);
    const last = page.at(-1);
    if (last === undefined) break;
    if (first === 0n) first = page[0]?.sequence ?? 0n;
    const applied = page.filter(({ sequence }) => !passed.has(sequence));
    await store(
      tx,
      applied.map(({ payload }) => toLevel(payload)),
    );
    events += applied.length;
    after = last.sequence;
  }
  return { events, upTo: `${TOPIC} ${upTo}`, kept: first > 1n ? await keepUnexplained(tx) : 0 };
}

/** Retention has deleted the beginning: what only those events explain cannot be judged, and stays as it is. */
async function keepUnexplained(tx: Tx): Promise<number> {
  return tx.run(
    statement(`insert into ${SHADOW} (sku, available, version)
      select sku, available, version from public.sku_availability l
      where not exists (select from ${SHADOW} r where r.sku = l.sku)`),
  );
}

async function renew(tx: Tx, data: ShopData, keys: readonly string[]): Promise<void> {
  // In the consumer's order: its watermark first, then the catalogue's writers. It waits meanwhile, and goes on after.
  const mark = await tx.maybe(sql<{ seq: bigint }>`
    select seq from consumer_watermark where consumer = ${CONSUMER} and topic = ${TOPIC} for update`);
  await takeWritersTurn(tx);
  const passed = await unapplied(tx);
  const upTo = mark?.seq ?? 0n;
  const rows = await data.at('inventory').rows(sql<{ seq: bigint; payload: Buffer }>`
    select pub_seq as seq, payload from outbox
    where topic = ${TOPIC} and aggregate_id = any(${keys}::text[]) and pub_seq <= ${upTo} order by pub_seq`);
  await store(
    tx,
    rows.filter(({ seq }) => !passed.has(seq)).map(({ payload }) => toLevel(payload)),
  );
}

/** Bands, products and listings follow from the levels; those that do not are derived again, whoever left them so. */
async function derive(tx: Tx, keys: readonly string[]): Promise<string> {
  const rows = await tx.rows(sql<{ product_id: string }>`
    select distinct v.product_id from variants v left join sku_availability a on a.sku = v.sku
    where v.sku = any(${keys}::text[])
      or v.availability <> case when v.listed then stock_band(a.available) else 1 end
    order by v.product_id`);
  await refreshProducts(
    tx,
    rows.map((row) => row.product_id),
  );
  return `${rows.length} products derived again`;
}

export const availability: ReadModel = {
  name: CONSUMER,
  database: 'catalog',
  table: 'sku_availability',
  key: 'sku',
  keyType: 'text',
  columns: ['available', 'version'],
  deletesExtra: true,
  build,
  renew,
  derive,
};
