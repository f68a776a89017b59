// Moves sagas and orders together, in the consumer's or the job's transaction.

import type { DescMessage } from '@bufbuild/protobuf';
import { consumer, on } from '@stoa/chassis/events/consumer';
import type { Received } from '@stoa/chassis/events/envelope';
import { topic } from '@stoa/chassis/events/topic';
import type { Tx } from '@stoa/chassis/postgres/database';
import { operatorRequests } from '@stoa/chassis/saga/operator-requests';
import type { Transition } from '@stoa/chassis/saga/runner';
import type { JobDefinition } from '@stoa/chassis/service';
import {
  file_stoa_inventory_v1_reservation_events,
  StockCommitRefusedSchema,
  StockCommittedSchema,
  StockReleasedSchema,
  StockReservationRefusedSchema,
  StockReservedSchema,
} from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import {
  file_stoa_payments_v1_events,
  PaymentActionRequiredSchema,
  PaymentAuthorizedSchema,
  PaymentCancelledSchema,
  PaymentCapturedSchema,
  PaymentCaptureFailedSchema,
  PaymentDeclinedSchema,
} from '@stoa/proto/stoa/payments/v1/events_pb';
import {
  file_stoa_shipping_v1_events,
  ShipmentCreatedSchema,
  ShipmentRefusedSchema,
} from '@stoa/proto/stoa/shipping/v1/events_pb';
import type { OrdersContext } from '../context.ts';
import { evolve, isWorthTelling, type Order } from '../domain/order.ts';
import { publishChange } from '../infrastructure/order-events.ts';
import { loadOrders, saveOrders } from '../infrastructure/orders.ts';
import { type CheckoutData, checkout } from './checkout.ts';
import { orderChange } from './order-change.ts';

/** Writes what the moves mean for the orders: two statements for the whole batch, and one event for each change. */
export async function recordMoves(
  tx: Tx,
  moves: readonly Transition<CheckoutData>[],
  context: OrdersContext,
): Promise<void> {
  const at = context.clock.now();
  const told = moves.filter((move) => orderChange(move, { status: 'PENDING' }, at) !== undefined);
  if (told.length === 0) return;
  const orders = await loadOrders(
    tx,
    told.map(({ sagaId }) => sagaId),
  );
  const changed: Order[] = [];
  const decided: { readonly outcome: string; readonly reason: string }[] = [];
  for (const move of told) {
    const order = orders.get(move.sagaId);
    if (order === undefined) throw new Error(`saga ${move.sagaId} has no order`);
    const change = orderChange(move, order, at);
    if (change === undefined) continue;
    const next = evolve(order, change, at);
    changed.push(next);
    if (next.status !== order.status) decided.push({ outcome: change.kind, reason: next.reason });
    publishChange(tx, context.publish, change.kind, next, move.cause);
  }
  await saveOrders(tx, changed);
  tx.afterCommit(() => {
    for (const labels of decided)
      context.metrics.count('orders_decided_total', 'Orders by what became of them', labels);
    for (const order of changed) if (isWorthTelling(order)) context.deps.outcomes.tell(order.id);
  });
}

async function advance(tx: Tx, replies: readonly Received<DescMessage>[], context: OrdersContext): Promise<void> {
  const moves = await context.saga(checkout).advance(tx, replies);
  await recordMoves(tx, moves, context);
}

export const followInventory = consumer<OrdersContext>({
  name: 'orders.inventory',
  topic: topic('inventory.reservation-events', file_stoa_inventory_v1_reservation_events),
  on: [
    on(StockReservedSchema, advance),
    on(StockReservationRefusedSchema, advance),
    on(StockCommittedSchema, advance),
    on(StockCommitRefusedSchema, advance),
    on(StockReleasedSchema, advance),
  ],
});

export const followPayments = consumer<OrdersContext>({
  name: 'orders.payments',
  topic: topic('payments.events', file_stoa_payments_v1_events),
  on: [
    on(PaymentActionRequiredSchema, advance),
    on(PaymentAuthorizedSchema, advance),
    on(PaymentDeclinedSchema, advance),
    on(PaymentCapturedSchema, advance),
    on(PaymentCaptureFailedSchema, advance),
    on(PaymentCancelledSchema, advance),
  ],
});

export const followShipping = consumer<OrdersContext>({
  name: 'orders.shipping',
  topic: topic('shipping.events', file_stoa_shipping_v1_events),
  on: [on(ShipmentCreatedSchema, advance), on(ShipmentRefusedSchema, advance)],
});

const TIMERS_AT_ONCE = 100;

/** Fires the sagas' durable timers. */
export const checkoutTimers: JobDefinition<OrdersContext> = {
  name: 'checkout-timers',
  everyMs: 1000,
  async run(context) {
    return context.db.transact(async (tx) => {
      const { moves, hasMore } = await context.saga(checkout).fireTimers(tx, TIMERS_AT_ONCE);
      await recordMoves(tx, moves, context);
      return hasMore;
    });
  },
};

/**
 * States from which an operator may turn a saga back by force. A capture whose outcome is unknown: CancelPayment settles
 * it first and gives back what was taken. Not a shipment that may exist: nothing calls a parcel back. There shipping must
 * refuse first (`stoa saga compensate` sees to it), and the refusal turns the saga back by itself.
 */
export const BEYOND_PIVOT: readonly string[] = ['CAPTURING'];

/** Carries out what operators ask. */
export const checkoutRequests = operatorRequests<CheckoutData, OrdersContext>(checkout, {
  recordMoves,
  beyondPivot: BEYOND_PIVOT,
});
