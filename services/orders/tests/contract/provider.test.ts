// What others rely on from orders: the real service says it as their examples have it.

import type { DescMessage } from '@bufbuild/protobuf';
import { readContract } from '@stoa/chassis/testing/contract';
import { CommitStockSchema, ReleaseStockSchema, ReserveStockSchema } from '@stoa/proto/stoa/inventory/v1/commands_pb';
import {
  OrderCancelledSchema,
  OrderConfirmedSchema,
  OrderPlacedSchema,
  OrderRejectedSchema,
  OrderShipmentCreatedSchema,
} from '@stoa/proto/stoa/orders/v1/events_pb';
import { GetContactsRequestSchema, GetContactsResponseSchema } from '@stoa/proto/stoa/orders/v1/orders_pb';
import {
  AuthorizePaymentSchema,
  CancelPaymentSchema,
  CapturePaymentSchema,
} from '@stoa/proto/stoa/payments/v1/commands_pb';
import { CreateShipmentSchema } from '@stoa/proto/stoa/shipping/v1/commands_pb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALL_WELL, ada, type Orders, openOrders, type Reply } from '../integration/open-orders.ts';

let shop: Orders;
beforeAll(async () => {
  shop = await openOrders();
});
afterAll(() => shop.stop());

const REFUSED: readonly Reply[] = ['StockReservationRefused'];
const SHIPMENT_REFUSED: readonly Reply[] = [
  ...ALL_WELL.slice(0, 4),
  'ShipmentRefused',
  'PaymentCancelled',
  'StockReleased',
];

/** Every message that orders publishes, and replies that make it do so. */
const MESSAGES: Readonly<Record<string, [DescMessage, readonly Reply[]]>> = {
  ReserveStock: [ReserveStockSchema, []],
  CommitStock: [CommitStockSchema, ALL_WELL],
  ReleaseStock: [ReleaseStockSchema, SHIPMENT_REFUSED],
  AuthorizePayment: [AuthorizePaymentSchema, ALL_WELL],
  CapturePayment: [CapturePaymentSchema, ALL_WELL],
  CancelPayment: [CancelPaymentSchema, SHIPMENT_REFUSED],
  CreateShipment: [CreateShipmentSchema, ALL_WELL],
  OrderPlaced: [OrderPlacedSchema, []],
  OrderConfirmed: [OrderConfirmedSchema, ALL_WELL],
  OrderRejected: [OrderRejectedSchema, REFUSED],
  OrderCancelled: [OrderCancelledSchema, SHIPMENT_REFUSED],
  OrderShipmentCreated: [OrderShipmentCreatedSchema, ALL_WELL],
};

const isCall = (name: string) => name.startsWith('GetContacts');

describe.each(['inventory', 'payments', 'shipping', 'cart', 'notifications'])('for %s', (consumer) => {
  const agreed = readContract(`orders-${consumer}`);

  test.each(agreed.names.filter((name) => !isCall(name)))('%s has what is relied on', async (name) => {
    const [schema, replies] = MESSAGES[name] ?? [];
    if (schema === undefined || replies === undefined) throw new Error(`orders publishes no ${name}`);
    const orderId = await shop.newOrder(ada);
    await shop.reply(orderId, ...replies);
    const published = (await shop.published(schema)) as unknown as { orderId: string }[];
    const message = published.find((candidate) => candidate.orderId === orderId);
    expect(agreed.shortcomings(name, schema, message as never)).toEqual([]);
  });
});

test('contacts are answered as notifications relies on', async () => {
  const agreed = readContract('orders-notifications');
  const orderId = await shop.newOrder(ada);
  const request = agreed.example('GetContacts request', GetContactsRequestSchema, { orderIds: [orderId] });
  const answer = await shop.guest.getContacts(request);
  expect(agreed.shortcomings('GetContacts', GetContactsResponseSchema, answer)).toEqual([]);
});
