// What notifications relies on from orders: its examples become mails, with nothing missing in them.

import type { DescMessage } from '@bufbuild/protobuf';
import { systemRuntime } from '@stoa/chassis/runtime';
import { readContract } from '@stoa/chassis/testing/contract';
import { fake } from '@stoa/chassis/testing/fake';
import { type TestMessage, type TestService, testService } from '@stoa/chassis/testing/test-service';
import { NotificationsService } from '@stoa/proto/stoa/notifications/v1/notifications_pb';
import {
  OrderCancelledSchema,
  OrderConfirmedSchema,
  OrderRejectedSchema,
  OrderShipmentCreatedSchema,
} from '@stoa/proto/stoa/orders/v1/events_pb';
import {
  GetContactsRequestSchema,
  GetContactsResponseSchema,
  OrdersService,
} from '@stoa/proto/stoa/orders/v1/orders_pb';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { notifications } from '../../src/service.ts';

const agreed = readContract('orders-notifications');
const asked: string[] = [];

let service: TestService;
beforeAll(async () => {
  service = await testService(notifications, {
    postgresUrl: inject('postgresUrl'),
    fakes: [
      fake(OrdersService, {
        getContacts(request) {
          asked.push(...agreed.shortcomings('GetContacts request', GetContactsRequestSchema, request));
          const answer = agreed.example('GetContacts', GetContactsResponseSchema);
          const contacts = request.orderIds.flatMap((orderId) =>
            answer.contacts.map((contact) => ({ ...contact, orderId })),
          );
          return { contacts };
        },
      }),
    ],
  });
});
afterAll(() => service.stop());

const EVENTS: [string, DescMessage, string, string][] = [
  ['OrderConfirmed', OrderConfirmedSchema, 'order-confirmed', '44.88'],
  ['OrderRejected', OrderRejectedSchema, 'order-rejected', 'Mug'],
  ['OrderCancelled', OrderCancelledSchema, 'order-cancelled', 'Mug'],
  ['OrderShipmentCreated', OrderShipmentCreatedSchema, 'order-shipped', '003400000000000018'],
];

test.each(EVENTS)('%s becomes a mail with what the customer should know', async (name, schema, template, text) => {
  const orderId = systemRuntime().ids.uuid();
  const message = agreed.example(name, schema, { orderId, order: { id: orderId } });
  await service.deliver('notifications.orders', [{ schema, message } as TestMessage]);
  await service.runJob('send');
  const { mails } = await service.client(NotificationsService).listMailbox({ orderId, first: 10 });
  expect(mails).toMatchObject([{ orderId, template, to: 'ada@example.org' }]);
  expect(`${mails[0]?.subject} ${mails[0]?.body}`).toContain('7GQ2M4XKTB');
  expect(mails[0]?.body).toContain(text);
  expect(mails[0]?.body).toContain('Ada Lovelace');
  expect(asked).toEqual([]);
});

test('no event of the contract is left out', () => {
  expect(agreed.names.filter((name) => !name.startsWith('GetContacts'))).toEqual(EVENTS.map(([name]) => name));
});
