// What the integration tests of inventory share: commands in short, and the invariants that must hold after every one
// of them (reliability.md, I1 and I3).
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { createClient, createRouterTransport } from '@connectrpc/connect';
import type { Received } from '@stoa/chassis/events/envelope';
import type { LogLevel } from '@stoa/chassis/log';
import type { Database } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { received, testService } from '@stoa/chassis/testing/test-service';
import { CommitStockSchema, ReleaseStockSchema, ReserveStockSchema } from '@stoa/proto/stoa/inventory/v1/commands_pb';
import { InventoryService } from '@stoa/proto/stoa/inventory/v1/inventory_pb';
import {
  StockCommitRefusedSchema,
  StockCommittedSchema,
  StockReleasedSchema,
  StockReservationRefusedSchema,
  StockReservedSchema,
} from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { ShipmentCreatedSchema } from '@stoa/proto/stoa/shipping/v1/events_pb';
import { expect, inject } from 'vitest';
import { inventoryHandlers } from '../../src/api/rpc.ts';
import type { InventoryContext } from '../../src/context.ts';
import { inventory } from '../../src/service.ts';

let ids = 0;

/** A UUID that no other test uses. */
export function newId(): string {
  ids += 1;
  return `00000000-0000-7000-8000-${String(ids).padStart(12, '0')}`;
}

export const newSku = () => `sku-${newId().slice(-6)}`;

type Lines = Readonly<Record<string, number>>;

/** A command both as `deliver` takes it and as a handler gets it. */
function command<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc> & { readonly orderId: string }) {
  const eventId = newId();
  const delivery = received(schema, init, { eventId });
  const envelope: Received<Desc> = {
    message: delivery.message as MessageShape<Desc>,
    eventId,
    sequence: 1n,
    aggregateId: init.orderId,
    aggregateVersion: 0n,
    occurredAt: new Date(0),
    cause: { traceparent: '', causationId: eventId },
  };
  return { ...delivery, ...envelope };
}

export function reserve(orderId: string, lines: Lines, holdSeconds = 900) {
  const list = Object.entries(lines).map(([sku, quantity]) => ({ sku, quantity }));
  return command(ReserveStockSchema, { orderId, lines: list, holdSeconds });
}

export const commit = (orderId: string) => command(CommitStockSchema, { orderId });
export const release = (orderId: string) => command(ReleaseStockSchema, { orderId });
/** What shipping tells of an order. */
export const shipped = (orderId: string) => received(ShipmentCreatedSchema, { orderId, version: 1n });

export type Command = ReturnType<typeof reserve> | ReturnType<typeof commit> | ReturnType<typeof release>;

export async function openScene(env: Record<string, string> = {}, logLevel: LogLevel = 'error') {
  const service = await testService(inventory, { env, logLevel, postgresUrl: inject('postgresUrl') });
  const context: InventoryContext = service.context;
  const client = service.client(InventoryService);

  async function stock(lines: Lines): Promise<void> {
    const list = Object.entries(lines).map(([sku, quantity]) => ({ sku, quantity: BigInt(quantity) }));
    await client.receiveStock({ receiptId: newId(), lines: list });
  }

  /** On hand and reserved of a SKU. */
  async function level(sku: string): Promise<[number, number] | undefined> {
    const { levels } = await client.getStock({ skus: [sku] });
    return levels[0] && [Number(levels[0].onHand), Number(levels[0].reserved)];
  }

  /** Every answer about an order so far, in the order of publication where they are of one type. */
  async function answers(orderId: string): Promise<string[]> {
    const of = (list: readonly { orderId: string; reason?: string }[], name: string) =>
      list.filter((m) => m.orderId === orderId).map((m) => (m.reason === undefined ? name : `${name}:${m.reason}`));
    return [
      ...of(await service.published(StockReservedSchema), 'reserved'),
      ...of(await service.published(StockReservationRefusedSchema), 'refused'),
      ...of(await service.published(StockCommittedSchema), 'committed'),
      ...of(await service.published(StockCommitRefusedSchema), 'commit-refused'),
      ...of(await service.published(StockReleasedSchema), 'released'),
    ];
  }

  const deliver = (...batch: Command[]) => service.deliver('inventory.orders', batch);
  const stop = () => service.stop();
  return { service, client, stock, level, answers, deliver, stop, db: context.db, context };
}

export type Scene = Awaited<ReturnType<typeof openScene>>;

/** The service's context and client on a database that counts how often a transaction had to be begun again. */
export function watchRetries(context: InventoryContext) {
  let retries = 0;
  const { db } = context;
  const watched: Database = {
    ...db,
    transact(body, options) {
      let attempts = 0;
      return db.transact((tx) => {
        if (attempts++ > 0) retries += 1;
        return body(tx);
      }, options);
    },
  };
  const own = { ...context, db: watched };
  const routes = createRouterTransport(({ service }) => service(InventoryService, inventoryHandlers(own)));
  return { context: own, client: createClient(InventoryService, routes), retries: () => retries };
}

/** I1 and I3: no SKU is oversold, and both counters are the sums of the rows they stand for. */
export async function expectBalanced(db: Database): Promise<void> {
  const broken = await db.rows(sql<{ sku: string }>`
    select s.sku from stock s where s.on_hand < s.reserved or s.reserved < 0
      or s.on_hand <> (select coalesce(sum(quantity), 0) from stock_receipt_line l where l.sku = s.sku)
      or s.reserved <> (
        select coalesce(sum(l.quantity), 0) from reservation_line l join reservation r using (order_id)
        where l.sku = s.sku and r.state in ('HELD', 'COMMITTED'))`);
  expect(broken).toEqual([]);
}
