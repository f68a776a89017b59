// From an order's event to the mailbox, and customers' preferences, against a real database.
import { Code } from '@connectrpc/connect';
import { sql } from '@stoa/chassis/postgres/sql';
import { violationsOf } from '@stoa/chassis/rpc/errors';
import { type TestService, testService } from '@stoa/chassis/testing/test-service';
import { Category, NotificationsService } from '@stoa/proto/stoa/notifications/v1/notifications_pb';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { notifications } from '../../src/service.ts';
import { fakeOrders, makeDue, newId, notificationsOf, orderEvent } from './fixtures.ts';

const CONSUMER = 'notifications.orders';
const orders = fakeOrders();
let service: TestService;

beforeAll(async () => {
  service = await testService(notifications, {
    postgresUrl: inject('postgresUrl'),
    fakes: [orders.service],
    logLevel: 'silent',
  });
});
afterAll(() => service?.stop());
beforeEach(async () => {
  await service.db.run(sql`update notification set state = 'FAILED', finished_at = now() where state = 'QUEUED'`);
  orders.state.down = false;
  orders.state.while = async () => {};
  orders.state.asked.length = 0;
  service.woken();
});

const send = async () => {
  while (await service.runJob('send')) {
    // Until nothing is due.
  }
};
const mailsOf = async (orderId: string) =>
  (await service.client(NotificationsService).listMailbox({ orderId, first: 100 })).mails;

test('each outcome of an order becomes one mail to the address that orders knows', async () => {
  const [confirmed, rejected, cancelled, shipped] = [newId(), newId(), newId(), newId()];
  await service.deliver(CONSUMER, [
    orderEvent('confirmed', confirmed),
    orderEvent('rejected', rejected, { reason: 'CARD_DECLINED' }),
    orderEvent('cancelled', cancelled, { reason: 'CUSTOMER_REQUEST' }),
    orderEvent('shipped', shipped, { trackingNumber: 'ZX-99' }),
  ]);
  expect(service.woken()).toContain('send');
  await send();
  expect(await mailsOf(confirmed)).toMatchObject([
    {
      orderId: confirmed,
      template: 'order-confirmed',
      to: `${confirmed}@example.com`,
      subject: `Your order N-${confirmed.slice(-4)} is confirmed`,
      body: expect.stringContaining('2 x Oak table: €2.00'),
    },
  ]);
  expect(await mailsOf(rejected)).toMatchObject([
    { template: 'order-rejected', body: expect.stringContaining('Your payment was declined.') },
  ]);
  expect(await mailsOf(cancelled)).toMatchObject([{ template: 'order-cancelled' }]);
  expect(await mailsOf(shipped)).toMatchObject([{ template: 'order-shipped', body: expect.stringContaining('ZX-99') }]);
  expect(orders.state.asked).toEqual([4]);
});

test('a replayed event sends nothing twice, whether it comes before or after sending', async () => {
  const orderId = newId();
  const event = orderEvent('confirmed', orderId);
  await service.deliver(CONSUMER, [event]);
  await service.deliver(CONSUMER, [event]);
  await send();
  await service.deliver(CONSUMER, [event]);
  await send();
  expect(await mailsOf(orderId)).toHaveLength(1);
  expect(await notificationsOf(service.db, orderId)).toHaveLength(1);
});

test('an event that no customer has to hear of sends nothing', async () => {
  const orderId = newId();
  await service.deliver(CONSUMER, [orderEvent('placed', orderId)]);
  await send();
  expect(await notificationsOf(service.db, orderId)).toEqual([]);
});

test('the mails of an order go out in the order of its events, even when the first has to wait', async () => {
  const orderId = newId();
  await service.deliver(CONSUMER, [orderEvent('confirmed', orderId)]);
  orders.state.emails.set(orderId, null);
  await send();
  await service.deliver(CONSUMER, [orderEvent('shipped', orderId, { trackingNumber: 'T' })]);
  orders.state.emails.delete(orderId);
  await send();
  expect(await mailsOf(orderId)).toEqual([]);
  await makeDue(service.db);
  await send();
  expect((await mailsOf(orderId)).map(({ template }) => template)).toEqual(['order-shipped', 'order-confirmed']);
});

test('a contact that orders does not know yet is asked for again, and the others are not held up', async () => {
  const [missing, known] = [newId(), newId()];
  orders.state.emails.set(missing, null);
  await service.deliver(CONSUMER, [orderEvent('confirmed', missing), orderEvent('confirmed', known)]);
  await send();
  expect(await mailsOf(known)).toHaveLength(1);
  expect(await notificationsOf(service.db, missing)).toMatchObject([
    { state: 'QUEUED', reason: 'CONTACT_MISSING', attempts: 1 },
  ]);
  orders.state.emails.delete(missing);
  await send();
  expect(await mailsOf(missing)).toEqual([]);
  await makeDue(service.db);
  await send();
  expect(await mailsOf(missing)).toHaveLength(1);
});

test('while orders is down every mail waits, and nothing is lost', async () => {
  const orderIds = [newId(), newId(), newId()];
  await service.deliver(
    CONSUMER,
    orderIds.map((orderId) => orderEvent('confirmed', orderId)),
  );
  orders.state.down = true;
  expect(await service.runJob('send')).toBe(false);
  for (const orderId of orderIds) {
    expect(await notificationsOf(service.db, orderId)).toMatchObject([
      { state: 'QUEUED', reason: 'CONTACTS_UNAVAILABLE' },
    ]);
  }
  orders.state.down = false;
  await makeDue(service.db);
  await send();
  for (const orderId of orderIds) expect(await mailsOf(orderId)).toHaveLength(1);
});

test('a mail without an address has failed, with the reason', async () => {
  const orderId = newId();
  orders.state.emails.set(orderId, '');
  await service.deliver(CONSUMER, [orderEvent('confirmed', orderId)]);
  await send();
  expect(await notificationsOf(service.db, orderId)).toMatchObject([{ state: 'FAILED', reason: 'ADDRESS_MISSING' }]);
});

test('a mail that cannot be written does not hold up the others', async () => {
  const [broken, fine] = [newId(), newId()];
  await service.deliver(CONSUMER, [orderEvent('confirmed', broken), orderEvent('confirmed', fine)]);
  await service.db.run(sql`update notification set snapshot = '{"lines": 7}' where order_id = ${broken}`);
  await send();
  expect(await mailsOf(fine)).toHaveLength(1);
  expect(await notificationsOf(service.db, broken)).toMatchObject([{ state: 'QUEUED', reason: 'CONTENT_UNUSABLE' }]);
});

test('several senders at once store each mail once, and ask for at most 200 contacts', async () => {
  const orderIds = Array.from({ length: 250 }, newId);
  await service.deliver(
    CONSUMER,
    orderIds.map((orderId) => orderEvent('confirmed', orderId)),
  );
  await Promise.all([send(), send(), send(), send()]);
  const { mails, distinct } = await service.db.one(sql<{ mails: bigint; distinct: bigint }>`
    select count(*) as mails, count(distinct order_id) as "distinct"
    from mailbox where order_id = any(${orderIds}::uuid[])`);
  expect([mails, distinct]).toEqual([250n, 250n]);
  expect(Math.max(...orders.state.asked)).toBeLessThanOrEqual(200);
});

test('a sender whose lease ended while it waited stores nothing that another one has stored', async () => {
  const orderId = newId();
  await service.deliver(CONSUMER, [orderEvent('confirmed', orderId)]);
  let first = true;
  orders.state.while = async () => {
    if (!first) return;
    first = false;
    await makeDue(service.db);
    await send();
  };
  await service.runJob('send');
  expect(await mailsOf(orderId)).toHaveLength(1);
  expect(await notificationsOf(service.db, orderId)).toMatchObject([{ state: 'SENT', attempts: 2 }]);
});

test('what a customer has switched off is suppressed, the rest is sent, and guests get everything', async () => {
  const customer = { id: newId(), role: 'customer' } as const;
  const client = service.client(NotificationsService, { user: customer });
  expect((await client.getPreferences({})).preferences).toMatchObject([
    { category: Category.ORDER_STATUS, enabled: true },
    { category: Category.SHIPMENT, enabled: true },
  ]);
  const { preferences } = await client.setPreference({ preference: { category: Category.SHIPMENT, enabled: false } });
  expect(preferences[1]).toMatchObject({ category: Category.SHIPMENT, enabled: false });

  const [own, guests] = [newId(), newId()];
  await service.deliver(CONSUMER, [
    orderEvent('confirmed', own, { customerId: customer.id }),
    orderEvent('shipped', own, { customerId: customer.id }),
    orderEvent('shipped', guests),
  ]);
  await send();
  expect((await mailsOf(own)).map(({ template }) => template)).toEqual(['order-confirmed']);
  expect(await notificationsOf(service.db, own)).toMatchObject([
    { template: 'order-confirmed', state: 'SENT' },
    { template: 'order-shipped', state: 'SUPPRESSED', reason: 'PREFERENCE' },
  ]);
  expect(await mailsOf(guests)).toHaveLength(1);
});

test('preferences can be switched back on, belong to one customer, and need a known category', async () => {
  const as = (id: string) => service.client(NotificationsService, { user: { id, role: 'customer' } });
  const [one, other] = [as(newId()), as(newId())];
  for (const enabled of [false, false, true]) {
    await one.setPreference({ preference: { category: Category.ORDER_STATUS, enabled } });
  }
  await one.setPreference({ preference: { category: Category.SHIPMENT, enabled: false } });
  expect((await one.getPreferences({})).preferences.map(({ enabled }) => enabled)).toEqual([true, false]);
  expect((await other.getPreferences({})).preferences.map(({ enabled }) => enabled)).toEqual([true, true]);
  for (const preference of [undefined, { category: Category.UNSPECIFIED }, { category: 9 as Category }]) {
    const error = await one.setPreference(preference === undefined ? {} : { preference }).catch((e: unknown) => e);
    expect(violationsOf(error).map(({ field }) => field)).toEqual(['preference.category']);
  }
});

test('the mailbox lists the newest first, as many as asked for, and refuses what it cannot read', async () => {
  const client = service.client(NotificationsService);
  const { mails } = await client.listMailbox({ first: 5 });
  const times = mails.map(({ sentAt }) => Number(sentAt?.seconds) + Number(sentAt?.nanos) / 1e9);
  expect(mails).toHaveLength(5);
  expect(times).toEqual(times.toSorted((a, b) => b - a));
  expect((await client.listMailbox({})).mails).toHaveLength(20);
  await expect(client.listMailbox({ orderId: 'x', first: 101 })).rejects.toMatchObject({ code: Code.InvalidArgument });
});
