// I16d: there is a notification for each event that a customer is to hear of, and for nothing else.
import { collect, type Invariant } from '../invariant.ts';
import { batches, type Keyed, mergeByKey } from '../stream.ts';

interface EventRow extends Keyed {
  readonly order_id: string;
  readonly pub_seq: bigint | null;
}

interface NotificationRow extends Keyed {
  readonly order_id: string;
}

const EVENTS = `
  select (aggregate_id || ' ' || template) collate "C" as key, aggregate_id as order_id, pub_seq
  from outbox join (values
    ('stoa.orders.v1.OrderConfirmed', 'order-confirmed'), ('stoa.orders.v1.OrderRejected', 'order-rejected'),
    ('stoa.orders.v1.OrderCancelled', 'order-cancelled'), ('stoa.orders.v1.OrderShipmentCreated', 'order-shipped'))
    as t (event, template) on t.event = type
  where topic = 'orders.events' order by 1`;
const NOTIFICATIONS = `
  select (order_id || ' ' || template) collate "C" as key, order_id from notification order by 1`;
const CONSUMER = 'notifications.orders';

export const notificationsQueued: Invariant = {
  id: 'I16d',
  title: 'notifications follow order events',
  needs: ['orders', 'notifications'],
  async check(look) {
    const found = collect();
    const applied = look.watermark(CONSUMER);
    let events = 0;
    let notifications = 0;
    await mergeByKey<[EventRow, NotificationRow]>(
      [batches(look.at('orders'), EVENTS), batches(look.at('notifications'), NOTIFICATIONS)],
      (key, [event], [notification]) => {
        if (event !== undefined) events++;
        if (notification !== undefined) notifications++;
        if (event === undefined) {
          // Newer than our snapshot of orders, or about nothing that happened: a second look tells.
          found.add({ key: `order ${key}`, text: 'notified of, but there is no such event' });
        } else if (notification === undefined) {
          const isWaiting = event.pub_seq === null || event.pub_seq > applied;
          found.add({ key: `order ${key}`, text: 'happened, but there is no notification', isWaiting });
        }
      },
    );
    return found.outcome([events, 'events'], [notifications, 'notifications']);
  },
};
