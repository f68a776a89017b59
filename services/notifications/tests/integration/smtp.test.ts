// Sending through SMTP, against a server on a socket.
import { type TestService, testService } from '@stoa/chassis/testing/test-service';
import { NotificationsService } from '@stoa/proto/stoa/notifications/v1/notifications_pb';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { notifications } from '../../src/service.ts';
import { fakeOrders, makeDue, newId, notificationsOf, orderEvent } from './fixtures.ts';
import { type SmtpDouble, startSmtpDouble } from './smtp-server.ts';

const CONSUMER = 'notifications.orders';
const orders = fakeOrders();
let smtp: SmtpDouble;
let service: TestService;

beforeAll(async () => {
  smtp = await startSmtpDouble();
  service = await testService(notifications, {
    postgresUrl: inject('postgresUrl'),
    fakes: [orders.service],
    env: { STOA_SMTP_URL: smtp.url, STOA_MAIL_FROM: 'orders@shop.example', STOA_SHOP_NAME: 'Tables, Ltd' },
    logLevel: 'silent',
  });
});
afterAll(async () => {
  await service?.stop();
  await smtp?.stop();
});

const send = async () => {
  while (await service.runJob('send')) {
    // Until nothing is due.
  }
};
const address = (orderId: string) => `${orderId}@example.com`;
const mailsTo = (orderId: string) => smtp.mails.filter(({ to }) => to === address(orderId));

test('a mail goes to the server with a Message-ID of its own, and not into the mailbox', async () => {
  const orderId = newId();
  await service.deliver(CONSUMER, [orderEvent('shipped', orderId, { trackingNumber: 'ZX-99' })]);
  await send();
  const content = mailsTo(orderId)[0]?.content.replace(/\r\n[ \t]+/g, ' ');
  expect(content).toContain(`Message-ID: <order-shipped.${orderId}@shop.example>`);
  expect(content).toContain('From: "Tables, Ltd" <orders@shop.example>');
  expect(content).toContain(`To: ${address(orderId)}`);
  expect(content).toContain(`Subject: Your order N-${orderId.slice(-4)} is on its way`);
  expect(content).toContain('Tracking number: ZX-99');
  expect(content).toContain('Auto-Submitted: auto-generated');
  expect(await notificationsOf(service.db, orderId)).toMatchObject([{ state: 'SENT', attempts: 1 }]);
  expect((await service.client(NotificationsService).listMailbox({ orderId })).mails).toEqual([]);
});

test('a replayed event sends no second mail', async () => {
  const orderId = newId();
  for (let time = 0; time < 3; time++) {
    await service.deliver(CONSUMER, [orderEvent('confirmed', orderId)]);
    await send();
  }
  expect(mailsTo(orderId)).toHaveLength(1);
});

test('many mails are sent once each by several senders', async () => {
  const orderIds = Array.from({ length: 50 }, newId);
  await service.deliver(
    CONSUMER,
    orderIds.map((orderId) => orderEvent('confirmed', orderId)),
  );
  await Promise.all([send(), send()]);
  for (const orderId of orderIds) expect(mailsTo(orderId)).toHaveLength(1);
});

test('a refused recipient has failed for good; the answer, which names it, is not kept', async () => {
  const [refused, fine] = [newId(), newId()];
  smtp.replies.set(address(refused), `550 5.1.1 <${address(refused)}> unknown user`);
  await service.deliver(CONSUMER, [orderEvent('confirmed', refused), orderEvent('confirmed', fine)]);
  await send();
  await makeDue(service.db);
  await send();
  expect(await notificationsOf(service.db, refused)).toEqual([
    { template: 'order-confirmed', state: 'FAILED', reason: 'SMTP_550', attempts: 1 },
  ]);
  expect(mailsTo(fine)).toHaveLength(1);
});

test('a deferred recipient is tried again', async () => {
  const orderId = newId();
  smtp.replies.set(address(orderId), '451 4.7.1 greylisted');
  await service.deliver(CONSUMER, [orderEvent('confirmed', orderId)]);
  await send();
  expect(await notificationsOf(service.db, orderId)).toMatchObject([{ state: 'QUEUED', reason: 'SMTP_451' }]);
  smtp.replies.delete(address(orderId));
  await makeDue(service.db);
  await send();
  expect(await notificationsOf(service.db, orderId)).toMatchObject([{ state: 'SENT', attempts: 2 }]);
});

test('an address that no server would take has failed, and cannot name several recipients', async () => {
  const orderId = newId();
  orders.state.emails.set(orderId, 'ada@example.com, eve@example.com');
  await service.deliver(CONSUMER, [orderEvent('confirmed', orderId)]);
  await send();
  expect(smtp.mails.some(({ to }) => to.startsWith('eve@'))).toBe(false);
  expect(await notificationsOf(service.db, orderId)).toMatchObject([{ state: 'FAILED', reason: 'ADDRESS_UNUSABLE' }]);
});

test('when the confirmation is lost the mail is sent again, under the same Message-ID', async () => {
  const orderId = newId();
  smtp.dropNextConfirmation = true;
  await service.deliver(CONSUMER, [orderEvent('confirmed', orderId)]);
  await send();
  expect(await notificationsOf(service.db, orderId)).toMatchObject([{ state: 'QUEUED' }]);
  await makeDue(service.db);
  await send();
  const ids = mailsTo(orderId).map(({ content }) => /Message-ID:\s*(.*)\r/.exec(content)?.[1]);
  expect(ids).toHaveLength(2);
  expect(new Set(ids).size).toBe(1);
});

test('a server that turns everybody away is asked by one batch of connections, and every mail waits', async () => {
  const orderIds = Array.from({ length: 12 }, newId);
  smtp.greeting = '421 too busy';
  smtp.hangUp();
  const before = smtp.connections;
  await service.deliver(
    CONSUMER,
    orderIds.map((orderId) => orderEvent('confirmed', orderId)),
  );
  await send();
  expect(smtp.connections - before).toBeLessThanOrEqual(4);
  for (const orderId of orderIds) {
    expect(await notificationsOf(service.db, orderId)).toMatchObject([{ state: 'QUEUED', attempts: 1 }]);
  }
  smtp.greeting = '220 double ESMTP';
  await makeDue(service.db);
  await send();
  for (const orderId of orderIds) expect(mailsTo(orderId)).toHaveLength(1);
});

test('while the server cannot be reached every mail waits', async () => {
  const orderId = newId();
  await smtp.stop();
  await service.deliver(CONSUMER, [orderEvent('confirmed', orderId)]);
  await send();
  expect(await notificationsOf(service.db, orderId)).toMatchObject([{ state: 'QUEUED', attempts: 1 }]);
});
