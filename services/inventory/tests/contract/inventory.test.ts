// Inventory between orders, whose commands it carries out and answers, shipping, whose parcels take goods away, and catalog,
// which follows the stock.

import type { DescMessage } from '@bufbuild/protobuf';
import { readContract } from '@stoa/chassis/testing/contract';
import { received, type TestMessage } from '@stoa/chassis/testing/test-service';
import { CommitStockSchema, ReleaseStockSchema, ReserveStockSchema } from '@stoa/proto/stoa/inventory/v1/commands_pb';
import {
  StockCommitRefusedSchema,
  StockCommittedSchema,
  StockReleasedSchema,
  StockReservationRefusedSchema,
  StockReservedSchema,
} from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { StockLevelChangedSchema } from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { ShipmentCreatedSchema } from '@stoa/proto/stoa/shipping/v1/events_pb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId, openScene, type Scene } from '../integration/scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.stock({ MUG: 1000 });
});
afterAll(() => scene.stop());

const commands = readContract('orders-inventory');
const replies = readContract('inventory-orders');

const COMMANDS = { ReserveStock: ReserveStockSchema, CommitStock: CommitStockSchema, ReleaseStock: ReleaseStockSchema };

/** Carries out commands as the contract has them, one after the other. */
async function carryOut(orderId: string, ...names: readonly (keyof typeof COMMANDS)[]): Promise<void> {
  for (const name of names) {
    const schema: DescMessage = COMMANDS[name];
    const message = commands.example(name, schema, { orderId });
    await scene.service.deliver('inventory.orders', [{ schema, message } as TestMessage]);
  }
}

test('orders’ commands hold, commit and release stock', async () => {
  const [before] = (await scene.level('MUG')) as [number, number];
  const orderId = newId();
  await carryOut(orderId, 'ReserveStock');
  expect(await scene.level('MUG')).toEqual([before, 2]);
  await carryOut(orderId, 'CommitStock', 'ReleaseStock');
  expect(await scene.answers(orderId)).toEqual(['reserved', 'committed', 'released:RELEASED']);
  expect(await scene.level('MUG')).toEqual([before, 0]);
  expect(commands.names).toEqual(Object.keys(COMMANDS));
});

test('shipping’s shipment takes the goods out of the warehouse', async () => {
  const shipments = readContract('shipping-inventory');
  const orderId = newId();
  await carryOut(orderId, 'ReserveStock', 'CommitStock');
  const [before] = (await scene.level('MUG')) as [number, number];
  const message = shipments.example('ShipmentCreated', ShipmentCreatedSchema, { orderId });
  await scene.service.deliver('inventory.shipments', [{ schema: ShipmentCreatedSchema, message } as TestMessage]);
  expect(await scene.level('MUG')).toEqual([before - 2, 0]);
  expect(shipments.names).toEqual(['ShipmentCreated']);
});

/** Every answer, and commands that are answered by it. */
const ANSWERS: Readonly<Record<string, [DescMessage, (orderId: string) => Promise<void>]>> = {
  StockReserved: [StockReservedSchema, (id) => carryOut(id, 'ReserveStock')],
  StockReservationRefused: [
    StockReservationRefusedSchema,
    (orderId) => {
      const lines = [{ sku: 'MUG', quantity: 5000 }];
      const tooMany = received(ReserveStockSchema, { orderId, lines, holdSeconds: 900 });
      return scene.service.deliver('inventory.orders', [tooMany]);
    },
  ],
  StockCommitted: [StockCommittedSchema, (id) => carryOut(id, 'ReserveStock', 'CommitStock')],
  StockCommitRefused: [StockCommitRefusedSchema, (id) => carryOut(id, 'CommitStock')],
  StockReleased: [StockReleasedSchema, (id) => carryOut(id, 'ReserveStock', 'ReleaseStock')],
};

describe('for orders', () => {
  test.each(replies.names)('%s has what is relied on', async (name) => {
    const [schema, produce] = ANSWERS[name] ?? [];
    if (schema === undefined || produce === undefined) throw new Error(`inventory publishes no ${name}`);
    const orderId = newId();
    await produce(orderId);
    const published = (await scene.service.published(schema)) as unknown as { orderId: string }[];
    const message = published.find((candidate) => candidate.orderId === orderId);
    expect(replies.shortcomings(name, schema, message as never)).toEqual([]);
  });
});

test('for catalog StockLevelChanged has what is relied on', async () => {
  const agreed = readContract('inventory-catalog');
  const told = (await scene.service.published(StockLevelChangedSchema)).find(({ sku }) => sku === 'MUG');
  expect(agreed.shortcomings('StockLevelChanged', StockLevelChangedSchema, told)).toEqual([]);
  expect(agreed.names).toEqual(['StockLevelChanged']);
});
