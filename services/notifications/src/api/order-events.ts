// The consumer: each event that a customer should hear of becomes one row, and the job sends it. Nothing is sent from
// here, because a consumer waits for nobody.
import { toJsonString } from '@bufbuild/protobuf';
import { type BatchHandler, consumer, on } from '@stoa/chassis/events/consumer';
import { topic } from '@stoa/chassis/events/topic';
import {
  file_stoa_orders_v1_events,
  OrderCancelledSchema,
  OrderConfirmedSchema,
  OrderRejectedSchema,
  OrderShipmentCreatedSchema,
} from '@stoa/proto/stoa/orders/v1/events_pb';
import { OrderSchema } from '@stoa/proto/stoa/orders/v1/order_pb';
import type { NotificationsContext } from '../context.ts';
import type { TemplateName } from '../domain/template.ts';
import { queueNotifications } from '../infrastructure/notifications.ts';
import { SEND_JOB } from './send-job.ts';

type OrderEvent =
  | typeof OrderConfirmedSchema
  | typeof OrderRejectedSchema
  | typeof OrderCancelledSchema
  | typeof OrderShipmentCreatedSchema;

/** A mail may wait so long for others. */
const PACE_MS = 250;

export const followOrders = consumer<NotificationsContext>({
  name: 'notifications.orders',
  topic: topic('orders.events', file_stoa_orders_v1_events),
  on: [
    on(OrderConfirmedSchema, queue('order-confirmed')),
    on(OrderRejectedSchema, queue('order-rejected')),
    on(OrderCancelledSchema, queue('order-cancelled')),
    on(OrderShipmentCreatedSchema, queue('order-shipped')),
  ],
  paceMs: PACE_MS,
});

function queue(template: TemplateName): BatchHandler<OrderEvent, NotificationsContext> {
  return async (tx, batch, context) => {
    const notifications = batch.map(({ message }) => {
      const { orderId, order } = message;
      // The chassis parks it: mail without content helps nobody.
      if (order === undefined) throw new Error('an order event came without its order');
      const customerId = order.customerId === '' ? undefined : order.customerId;
      return { id: context.ids.uuid(), orderId, customerId, snapshot: toJsonString(OrderSchema, order) };
    });
    await queueNotifications(tx, template, notifications);
    tx.afterCommit(() => context.wake(SEND_JOB));
  };
}
