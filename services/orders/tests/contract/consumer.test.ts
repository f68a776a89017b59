// What orders relies on from others: their examples, handed to the real consumers and handlers, have their effect.

import type { DescMessage } from '@bufbuild/protobuf';
import { readContract } from '@stoa/chassis/testing/contract';
import { fake } from '@stoa/chassis/testing/fake';
import { type TestMessage, testService } from '@stoa/chassis/testing/test-service';
import { CartService, GetCheckoutRequestSchema, GetCheckoutResponseSchema } from '@stoa/proto/stoa/cart/v1/cart_pb';
import {
  StockCommitRefusedSchema,
  StockCommittedSchema,
  StockReleasedSchema,
  StockReservationRefusedSchema,
  StockReservedSchema,
} from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import {
  PaymentActionRequiredSchema,
  PaymentAuthorizedSchema,
  PaymentCancelledSchema,
  PaymentCapturedSchema,
  PaymentCaptureFailedSchema,
  PaymentDeclinedSchema,
} from '@stoa/proto/stoa/payments/v1/events_pb';
import { ListMethodsResponseSchema, PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { ShipmentCreatedSchema, ShipmentRefusedSchema } from '@stoa/proto/stoa/shipping/v1/events_pb';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { orders } from '../../src/service.ts';
import { ALL_WELL, type Orders, openOrders, type Reply, staff } from '../integration/open-orders.ts';

let shop: Orders;
beforeAll(async () => {
  shop = await openOrders();
});
afterAll(() => shop.stop());

const inventory = readContract('inventory-orders');
const payments = readContract('payments-orders');
const shipping = readContract('shipping-orders');
const cart = readContract('cart-orders');

/** Each reply, what happened before it, and what it leads to. */
const REPLIES: [string, DescMessage, readonly Reply[], string][] = [
  ['StockReserved', StockReservedSchema, [], 'AUTHORIZING'],
  ['StockReservationRefused', StockReservationRefusedSchema, [], 'COMPENSATED INSUFFICIENT_STOCK'],
  ['StockCommitted', StockCommittedSchema, ALL_WELL.slice(0, 2), 'CAPTURING'],
  ['StockCommitRefused', StockCommitRefusedSchema, ALL_WELL.slice(0, 2), 'UNDOING_AUTHORIZING NOT_HELD'],
  ['StockReleased', StockReleasedSchema, ['StockReserved', 'PaymentDeclined'], 'COMPENSATED CARD_DECLINED'],
  ['PaymentActionRequired', PaymentActionRequiredSchema, ALL_WELL.slice(0, 1), 'AUTHORIZING'],
  ['PaymentAuthorized', PaymentAuthorizedSchema, ALL_WELL.slice(0, 1), 'COMMITTING_STOCK'],
  ['PaymentDeclined', PaymentDeclinedSchema, ALL_WELL.slice(0, 1), 'UNDOING_RESERVING CARD_DECLINED'],
  ['PaymentCaptured', PaymentCapturedSchema, ALL_WELL.slice(0, 3), 'ARRANGING_SHIPMENT'],
  ['PaymentCaptureFailed', PaymentCaptureFailedSchema, ALL_WELL.slice(0, 3), 'UNDOING_AUTHORIZING CAPTURE_REFUSED'],
  [
    'PaymentCancelled',
    PaymentCancelledSchema,
    [...ALL_WELL.slice(0, 2), 'StockCommitRefused'],
    'UNDOING_RESERVING HOLD_EXPIRED',
  ],
  ['ShipmentCreated', ShipmentCreatedSchema, ALL_WELL.slice(0, 4), 'COMPLETED'],
  ['ShipmentRefused', ShipmentRefusedSchema, ALL_WELL.slice(0, 4), 'UNDOING_AUTHORIZING UNKNOWN_METHOD'],
];

test.each(REPLIES)('%s moves the checkout on', async (name, schema, before, end) => {
  const owner = [inventory, payments, shipping].find(({ names }) => names.includes(name));
  const orderId = await shop.newOrder();
  await shop.reply(orderId, ...before);
  const message = owner?.example(name, schema, { orderId });
  await shop.deliverAll({ schema, message } as TestMessage);
  const { state, reason } = await shop.sagaOf(orderId);
  expect(`${state} ${reason}`.trim()).toBe(end);
});

test('a customer who must act has their order say so', async () => {
  const orderId = await shop.newOrder();
  await shop.reply(orderId, 'StockReserved');
  const message = payments.example('PaymentActionRequired', PaymentActionRequiredSchema, { orderId });
  await shop.deliverAll({ schema: PaymentActionRequiredSchema, message } as TestMessage);
  const { order } = await shop.as(staff).getOrder({ orderId });
  expect(order?.paymentAction?.expiresAt).toBeDefined();
});

test('no reply of a contract is left out', () => {
  const all = [inventory, payments, shipping].flatMap(({ names }) => names);
  expect(all.filter((name) => name !== 'ListMethods')).toEqual(REPLIES.map(([name]) => name));
});

test('the tracking number of a shipment becomes the order’s', async () => {
  const orderId = await shop.newOrder();
  await shop.reply(orderId, ...ALL_WELL.slice(0, 4));
  const message = shipping.example('ShipmentCreated', ShipmentCreatedSchema, { orderId });
  await shop.deliverAll({ schema: ShipmentCreatedSchema, message } as TestMessage);
  expect((await shop.orderOf(orderId)).trackingNumber).toBe('003400000000000018');
});

test('a cart and a payment method as they are answered become an order', async () => {
  const asked: string[] = [];
  const service = await testService(orders, {
    postgresUrl: inject('postgresUrl'),
    env: { STOA_ORDER_TOKEN_SECRET: 'a secret of at least 32 characters' },
    fakes: [
      fake(CartService, {
        getCheckout(request) {
          asked.push(...cart.shortcomings('GetCheckout request', GetCheckoutRequestSchema, request));
          return cart.example('GetCheckout', GetCheckoutResponseSchema);
        },
      }),
      fake(PaymentsService, {
        listMethods: () => payments.example('ListMethods', ListMethodsResponseSchema),
      }),
    ],
  });
  try {
    const example = cart.example('GetCheckout', GetCheckoutResponseSchema).cart;
    const { order } = await service.client(OrdersService).placeOrder({
      cartId: example?.id ?? '',
      idempotencyKey: 'contract-of-cart',
      paymentMethodId: 'card',
      paymentToken: 'tok_approve',
    });
    expect(asked).toEqual([]);
    const { lines, totals, shippingMethodId } = example ?? {};
    expect(order).toMatchObject({ totals: { total: totals?.total }, shippingMethodId });
    expect(order?.lines[0]).toMatchObject({ sku: 'MUG', unitPrice: lines?.[0]?.unitPrice, priceVersion: 1 });
    const { contacts } = await service.client(OrdersService).getContacts({ orderIds: [order?.id ?? ''] });
    expect(contacts).toMatchObject([{ email: example?.email, address: example?.address }]);
  } finally {
    await service.stop();
  }
});
