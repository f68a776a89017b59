// Methods and shipments on a real database.
import { create } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import type { Received } from '@stoa/chassis/events/envelope';
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { reasonOf, violationsOf } from '@stoa/chassis/rpc/errors';
import { received, type TestService, testService } from '@stoa/chassis/testing/test-service';
import { CreateShipmentSchema } from '@stoa/proto/stoa/shipping/v1/commands_pb';
import { ShipmentCreatedSchema, ShipmentRefusedSchema } from '@stoa/proto/stoa/shipping/v1/events_pb';
import { ShipmentState, ShippingService } from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createShipments } from '../../src/api/create-shipments.ts';
import { isTrackingNumber, trackingNumber } from '../../src/domain/tracking-number.ts';
import { storeOrRepeat } from '../../src/infrastructure/shipments.ts';
import { shipping } from '../../src/service.ts';

let service: TestService;

beforeAll(async () => {
  service = await testService(shipping, { postgresUrl: inject('postgresUrl') });
});
afterAll(() => service.stop());

let ids = 0;
const newId = () => `00000000-0000-7000-8000-${String(++ids).padStart(12, '0')}`;

const ship = (orderId: string, methodId = 'standard') => received(CreateShipmentSchema, { orderId, methodId });
const deliver = (...batch: ReturnType<typeof ship>[]) => service.deliver('shipping.orders', batch);
const client = () => service.client(ShippingService);
const createdOf = async (orderId: string) =>
  (await service.published(ShipmentCreatedSchema)).filter((message) => message.orderId === orderId);
const refusedOf = async (orderId: string) =>
  (await service.published(ShipmentRefusedSchema)).filter((message) => message.orderId === orderId);
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error as { code?: Code },
  );

async function offered(country: string, currency: string): Promise<Record<string, bigint | undefined>> {
  const { methods } = await client().listMethods({ country, currency });
  return Object.fromEntries(methods.map((method) => [method.id, method.price?.minor]));
}

test('methods come with their price in the asked currency, for the asked country', async () => {
  expect(await offered('DE', 'EUR')).toEqual({ standard: 490n, express: 990n, pickup: 0n });
  expect(await offered('GB', 'GBP')).toEqual({ standard: 420n, express: 850n, pickup: 0n });
  expect(await offered('JP', 'USD')).toEqual({ standard: 540n });
  expect(await offered('', 'USD')).toEqual({ standard: 540n, express: 1090n, pickup: 0n });
  expect(await offered('DE', 'JPY')).toEqual({});
});

test('an unreadable country or currency is refused with both', async () => {
  const error = await errorOf(client().listMethods({ country: 'germany', currency: 'eur' }));
  expect(violationsOf(error).map((violation) => violation.field)).toEqual(['country', 'currency']);
});

test('methods are served from memory until the next refresh', async () => {
  await service.db.run(sql`insert into shipping_price (method_id, currency, minor) values ('standard', 'SEK', 4900)`);
  expect(await offered('SE', 'SEK')).toEqual({});
  expect(await service.runJob('refresh-methods')).toBe(false);
  expect(await offered('SE', 'SEK')).toEqual({ standard: 4900n });
});

test('an order gets a shipment with a valid tracking number', async () => {
  const orderId = newId();
  await deliver(ship(orderId, 'express'));
  const [told] = await createdOf(orderId);
  const { shipment } = await client().getShipment({ orderId });
  expect(shipment).toMatchObject({ orderId, methodId: 'express', state: ShipmentState.CREATED, version: 1n });
  expect(isTrackingNumber(shipment?.trackingNumber ?? '')).toBe(true);
  expect(told).toMatchObject({ version: 1n, shipment });
});

test('a repeated command is answered by the same shipment, one version later', async () => {
  const orderId = newId();
  await deliver(ship(orderId));
  await deliver(ship(orderId), ship(newId()));
  await deliver(ship(orderId), ship(orderId, 'express'));
  const told = await createdOf(orderId);
  expect(told.map((message) => message.version)).toEqual([1n, 2n, 3n, 4n]);
  expect(new Set(told.map(({ shipment }) => shipment?.id)).size).toBe(1);
  expect(new Set(told.map(({ shipment }) => shipment?.trackingNumber)).size).toBe(1);
  expect(told.map(({ shipment }) => shipment?.methodId)).toEqual(Array(4).fill('standard'));
  expect((await client().getShipment({ orderId })).shipment?.version).toBe(4n);
});

test('shipments of many orders come at once; an order that has none, or was refused one, is absent', async () => {
  const [sent, refused] = [newId(), newId()];
  await deliver(ship(sent), ship(refused, 'balloon'));
  const { shipments } = await client().getShipments({ orderIds: [newId(), refused, sent] });
  expect(shipments).toEqual([(await client().getShipment({ orderId: sent })).shipment]);
  for (const orderIds of [[], Array.from({ length: 101 }, newId)]) {
    const error = await errorOf(client().getShipments({ orderIds }));
    expect(violationsOf(error).map(({ field }) => field)).toEqual(['order_ids']);
  }
});

test('an unknown method is refused, and stays refused when it comes to exist', async () => {
  const orderId = newId();
  await deliver(ship(orderId, 'drone'));
  await service.db.run(sql`
    insert into shipping_method (id, name, description, min_days, max_days, position)
    values ('drone', 'Drone', 'Through the window', 0, 0, 9)`);
  await deliver(ship(orderId, 'drone'));
  expect((await refusedOf(orderId)).map(({ reason, version }) => [reason, version])).toEqual([
    ['UNKNOWN_METHOD', 1n],
    ['UNKNOWN_METHOD', 2n],
  ]);
  const error = await errorOf(client().getShipment({ orderId }));
  expect([(error as { code?: Code }).code, reasonOf(error)]).toEqual([Code.NotFound, 'SHIPMENT_NOT_FOUND']);
});

test('a method that was just added is shipped with before any process lists it; a withdrawn one still is', async () => {
  const [early, late] = [newId(), newId()];
  await service.db.run(sql`
    insert into shipping_method (id, name, description, min_days, max_days, position)
    values ('bike', 'Bike', 'By bike', 0, 0, 10)`);
  await deliver(ship(early, 'bike'));
  await service.db.run(sql`update shipping_method set offered = false where id = 'bike'`);
  await deliver(ship(late, 'bike'));
  expect([(await createdOf(early)).length, (await createdOf(late)).length]).toEqual([1, 1]);
});

test('a batch may mix new orders, repeated ones and refusals', async () => {
  const [known, lost, fresh] = [newId(), newId(), newId()];
  await deliver(ship(known), ship(lost, 'raven'));
  await deliver(ship(known), ship(lost), ship(fresh));
  expect((await createdOf(known)).map((message) => message.version)).toEqual([1n, 2n]);
  expect((await refusedOf(lost)).map((message) => message.version)).toEqual([1n, 2n]);
  expect((await createdOf(fresh)).map((message) => message.version)).toEqual([1n]);
});

test('a tracking number that is drawn twice fails the batch and stores nothing of it', async () => {
  const draw = { id: newId(), trackingNumber: trackingNumber('00000000000000042') };
  const order = (orderId: string, id: string) =>
    service.db.transact((tx) => {
      const request = { orderId, methodId: 'standard' };
      return storeOrRepeat(tx, [{ kind: 'shipment', request, draw: { ...draw, id } }]);
    });
  const second = newId();
  await order(newId(), draw.id);
  await expect(order(second, newId())).rejects.toThrow('shipment_tracking_number_key');
  await deliver(ship(second));
  expect((await createdOf(second)).map((message) => message.version)).toEqual([1n]);
});

test('a batch of 256 orders costs two statements', async () => {
  const orderIds = Array.from({ length: 256 }, newId);
  let statements = 0;
  await service.db.transact(async (tx) => {
    const counted: Tx = {
      ...tx,
      rows: (statement) => {
        statements += 1;
        return tx.rows(statement);
      },
    };
    await createShipments(counted, orderIds.map(asReceived), service.context);
  });
  expect(statements).toBe(2);
  expect(await service.db.one(sql`select count(*) from shipment where order_id = any(${orderIds}::uuid[])`)).toEqual({
    count: 256n,
  });
});

function asReceived(orderId: string): Received<typeof CreateShipmentSchema> {
  const message = create(CreateShipmentSchema, { orderId, methodId: 'standard' });
  const envelope = { eventId: newId(), sequence: 1n, aggregateId: orderId, aggregateVersion: 0n };
  return { message, ...envelope, occurredAt: new Date(0), cause: { traceparent: '' } };
}
