// Shipping between orders, for whom it creates shipments, inventory, which books their goods out, and cart, which asks what
// shipping costs.

import type { DescMessage } from '@bufbuild/protobuf';
import { systemRuntime } from '@stoa/chassis/runtime';
import { readContract } from '@stoa/chassis/testing/contract';
import { type TestMessage, type TestService, testService } from '@stoa/chassis/testing/test-service';
import { CreateShipmentSchema } from '@stoa/proto/stoa/shipping/v1/commands_pb';
import { ShipmentCreatedSchema, ShipmentRefusedSchema } from '@stoa/proto/stoa/shipping/v1/events_pb';
import {
  ListMethodsRequestSchema,
  ListMethodsResponseSchema,
  ShippingService,
} from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { shipping } from '../../src/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await testService(shipping, { postgresUrl: inject('postgresUrl') });
});
afterAll(() => service.stop());

const commands = readContract('orders-shipping');
const replies = readContract('shipping-orders');

/** Carries out the command as the contract has it, with the given method; the order's id. */
async function createShipment(methodId: string): Promise<string> {
  const orderId = systemRuntime().ids.uuid();
  const message = commands.example('CreateShipment', CreateShipmentSchema, { orderId, methodId });
  await service.deliver('shipping.orders', [{ schema: CreateShipmentSchema, message } as TestMessage]);
  return orderId;
}

async function answerAbout<Desc extends DescMessage>(schema: Desc, orderId: string) {
  const published = await service.published(schema);
  return published.find((message) => (message as unknown as { orderId: string }).orderId === orderId);
}

test('orders’ command creates the shipment, and the answer has what orders and inventory rely on', async () => {
  const created = await answerAbout(ShipmentCreatedSchema, await createShipment('standard'));
  expect(replies.shortcomings('ShipmentCreated', ShipmentCreatedSchema, created)).toEqual([]);
  const followed = readContract('shipping-inventory');
  expect(followed.shortcomings('ShipmentCreated', ShipmentCreatedSchema, created)).toEqual([]);
});

test('a refusal has what orders relies on', async () => {
  const refused = await answerAbout(ShipmentRefusedSchema, await createShipment('carrier-pigeon'));
  expect(replies.shortcomings('ShipmentRefused', ShipmentRefusedSchema, refused)).toEqual([]);
  expect(replies.names).toEqual(['ShipmentCreated', 'ShipmentRefused']);
});

test('the methods have what cart relies on', async () => {
  const agreed = readContract('shipping-cart');
  const request = agreed.example('ListMethods request', ListMethodsRequestSchema);
  const answer = await service.client(ShippingService).listMethods(request);
  // What is collected at the counter costs nothing: cart relies on a price for what is sent.
  const sent = { ...answer, methods: answer.methods.filter(({ id }) => id !== 'pickup') };
  expect(agreed.shortcomings('ListMethods', ListMethodsResponseSchema, sent)).toEqual([]);
});
