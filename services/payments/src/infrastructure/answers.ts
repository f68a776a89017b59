// Answers to orders: what a payment looks like on the wire, and the event that tells it.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { topic } from '@stoa/chassis/events/topic';
import type { Tx } from '@stoa/chassis/postgres/database';
import {
  file_stoa_payments_v1_events,
  PaymentActionRequiredSchema,
  PaymentAuthorizedSchema,
  PaymentBecameUnknownSchema,
  PaymentCancelledSchema,
  PaymentCapturedSchema,
  PaymentCaptureFailedSchema,
  PaymentDeclinedSchema,
} from '@stoa/proto/stoa/payments/v1/events_pb';
import { type PaymentSchema, PaymentState } from '@stoa/proto/stoa/payments/v1/payments_pb';
import type { PaymentsContext } from '../context.ts';
import type { PaymentEvent } from '../domain/payment.ts';
import type { StoredPayment } from './payment-store.ts';

export const paymentsEvents = topic('payments.events', file_stoa_payments_v1_events);

/** A payment as the contract shows it: a tombstone has no amounts, and one that waits for the customer is pending. */
export function writePayment({ payment, updatedAt }: StoredPayment): MessageInitShape<typeof PaymentSchema> {
  const money = (minor: bigint) => ({ currency: payment.currency, minor });
  const { amountMinor, capturedMinor, refundedMinor } = payment;
  const amounts = { amount: money(amountMinor), captured: money(capturedMinor), refunded: money(refundedMinor) };
  return {
    orderId: payment.orderId,
    paymentId: payment.paymentId,
    state: PaymentState[payment.state === 'ACTION_REQUIRED' ? 'PENDING' : payment.state],
    ...(payment.currency === '' ? {} : amounts),
    reason: payment.reason,
    version: payment.version,
    updatedAt: timestampFromDate(updatedAt),
  };
}

/** Publishes the event that stands for an answer, with the payment as it is at that moment. */
export function publishAnswer(
  context: PaymentsContext,
  tx: Tx,
  stored: StoredPayment,
  { answer, reason }: Extract<PaymentEvent, { kind: 'answered' }>,
): void {
  const { orderId, version } = stored.payment;
  const told = { orderId, version, payment: writePayment(stored) };
  const { publish } = context;
  switch (answer) {
    case 'ActionRequired':
      publish(tx, PaymentActionRequiredSchema, told, stored.cause);
      return;
    case 'Authorized':
      publish(tx, PaymentAuthorizedSchema, told, stored.cause);
      return;
    case 'Declined':
      publish(tx, PaymentDeclinedSchema, { ...told, reason }, stored.cause);
      return;
    case 'Captured':
      publish(tx, PaymentCapturedSchema, told, stored.cause);
      return;
    case 'CaptureFailed':
      publish(tx, PaymentCaptureFailedSchema, { ...told, reason }, stored.cause);
      return;
    case 'Cancelled':
      publish(tx, PaymentCancelledSchema, told, stored.cause);
      return;
    case 'BecameUnknown':
      publish(tx, PaymentBecameUnknownSchema, told, stored.cause);
      return;
    default:
      answer satisfies never;
  }
}
