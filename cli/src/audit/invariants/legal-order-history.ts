// I11a: each order's stream, replayed through the pure reducer, is a history that could have happened: versions without
// a gap, no change that its status forbids, and nothing changed but what the event is about.
import { fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { evolve, type Order, type OrderChange, place } from '@stoa/orders/domain/order';
import { orderEvents } from '@stoa/orders/infrastructure/order-events';
import { readOrder } from '@stoa/orders/infrastructure/order-message';
import type { OrderPlacedSchema } from '@stoa/proto/stoa/orders/v1/events_pb';
import { collect, type Invariant } from '../invariant.ts';
import { isSameValue } from '../same-value.ts';
import { batches } from '../stream.ts';

interface EventRow {
  readonly aggregate_id: string;
  readonly aggregate_version: bigint;
  readonly type: string;
  readonly payload: Buffer;
}

const EVENTS = `
  select aggregate_id, aggregate_version, type, payload from outbox
  where topic = 'orders.events' order by aggregate_id, aggregate_version`;

export const legalOrderHistory: Invariant = {
  id: 'I11a',
  title: 'order histories replay',
  needs: ['orders'],
  async check(look) {
    const found = collect();
    let events = 0;
    let orders = 0;
    let stream = '';
    let order: Order | undefined;
    let failed = false;
    for await (const rows of batches<EventRow>(look.at('orders'), EVENTS)) {
      for (const row of rows) {
        events++;
        if (row.aggregate_id !== stream) {
          stream = row.aggregate_id;
          order = undefined;
          failed = false;
          orders++;
        }
        if (failed) continue;
        try {
          order = replay(order, row);
        } catch (error) {
          // What follows a broken event cannot be judged.
          failed = true;
          const text = `version ${row.aggregate_version}, ${shortName(row.type)}: ${(error as Error).message}`;
          found.add({ key: `order ${stream}`, text });
        }
      }
    }
    return found.outcome([orders, 'orders'], [events, 'events']);
  },
};

const shortName = (type: string) => type.slice(type.lastIndexOf('.') + 1);

/** The order after the event, which must be what the event says; throws when it is not. */
function replay(before: Order | undefined, row: EventRow): Order {
  const carried = decode(row);
  const after =
    before === undefined ? place(carried, carried.placedAt) : evolve(before, change(row, carried), carried.updatedAt);
  if (before === undefined && shortName(row.type) !== 'OrderPlaced')
    throw new Error('the first event must be OrderPlaced');
  if (after.version !== row.aggregate_version) throw new Error(`its number must be ${after.version}`);
  if (!isSameValue(after, carried)) throw new Error('it carries another order than the replay gives');
  return after;
}

function decode({ type, payload, aggregate_id }: EventRow): Order {
  const schema = orderEvents.types.get(type)?.schema;
  if (schema === undefined) throw new Error('unknown type');
  const { order } = fromBinary(schema, payload) as MessageShape<typeof OrderPlacedSchema>;
  if (order === undefined) throw new Error('it carries no order');
  if (order.id !== aggregate_id) throw new Error(`it carries order ${order.id}`);
  return readOrder(order);
}

function change({ type }: EventRow, { reason, trackingNumber, paymentAction }: Order): OrderChange {
  switch (shortName(type)) {
    case 'OrderPaymentActionRequired':
      if (paymentAction === undefined) throw new Error('it carries no payment action');
      return { kind: 'payment_action_required', expiresAt: paymentAction.expiresAt };
    case 'OrderConfirmed':
      return { kind: 'confirmed' };
    case 'OrderRejected':
      return { kind: 'rejected', reason };
    case 'OrderCancelled':
      return { kind: 'cancelled', reason };
    case 'OrderShipmentCreated':
      return { kind: 'shipment_created', trackingNumber };
    default:
      throw new Error('it cannot follow another event');
  }
}
