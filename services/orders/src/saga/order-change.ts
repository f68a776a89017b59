// What a move of the checkout saga means for the order.
import { COMPENSATED, COMPLETED } from '@stoa/chassis/saga/define';
import type { Transition } from '@stoa/chassis/saga/runner';
import type { ShipmentCreated } from '@stoa/proto/stoa/shipping/v1/events_pb';
import type { Order, OrderChange } from '../domain/order.ts';
import { type CheckoutData, CUSTOMER_REQUEST, paymentActionSeconds } from './checkout.ts';

/** The change at that moment, or undefined for a move that the order does not tell of. */
export function orderChange(
  { from, to, reason, reply, data }: Transition<CheckoutData>,
  { status }: Pick<Order, 'status'>,
  at: Date,
): OrderChange | undefined {
  // Only the deadline moved: the customer must act.
  if (from === 'AUTHORIZING' && to === from) {
    return { kind: 'payment_action_required', expiresAt: new Date(at.getTime() + paymentActionSeconds(data) * 1000) };
  }
  if (from === 'CAPTURING' && to === 'ARRANGING_SHIPMENT') return { kind: 'confirmed' };
  if (to === COMPLETED) {
    const created = reply?.message as unknown as ShipmentCreated | undefined;
    return { kind: 'shipment_created', trackingNumber: created?.shipment?.trackingNumber ?? '' };
  }
  if (to !== COMPENSATED) return undefined;
  const calledOff = status === 'CONFIRMED' || reason === CUSTOMER_REQUEST;
  return { kind: calledOff ? 'cancelled' : 'rejected', reason };
}
