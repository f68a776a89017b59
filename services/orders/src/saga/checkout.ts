// The checkout saga, declared as data. Stock is committed, so that it can no longer expire, before the money is
// captured; capturing is the pivot: before it everything is undone in reverse, after it the saga only goes forward
// or gives the money back.
//
//   RESERVING -> AUTHORIZING -> COMMITTING_STOCK -> CAPTURING (pivot) -> ARRANGING_SHIPMENT -> COMPLETED
//
// CancelPayment undoes whatever was done, an authorization as well as a capture, and settles an unknown outcome first;
// ReleaseStock gives back a hold as well as a commitment. So two undos serve all five steps.
import { defineSaga, refusal, send } from '@stoa/chassis/saga/define';
import { CommitStockSchema, ReleaseStockSchema, ReserveStockSchema } from '@stoa/proto/stoa/inventory/v1/commands_pb';
import {
  StockCommitRefusedSchema,
  StockCommittedSchema,
  StockReleasedSchema,
  StockReservationRefusedSchema,
  StockReservedSchema,
} from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import {
  AuthorizePaymentSchema,
  CancelPaymentSchema,
  CapturePaymentSchema,
} from '@stoa/proto/stoa/payments/v1/commands_pb';
import {
  PaymentActionRequiredSchema,
  PaymentAuthorizedSchema,
  PaymentCancelledSchema,
  PaymentCapturedSchema,
  PaymentCaptureFailedSchema,
  PaymentDeclinedSchema,
} from '@stoa/proto/stoa/payments/v1/events_pb';
import { CreateShipmentSchema } from '@stoa/proto/stoa/shipping/v1/commands_pb';
import { ShipmentCreatedSchema, ShipmentRefusedSchema } from '@stoa/proto/stoa/shipping/v1/events_pb';

/** What the saga needs to send its commands; stored as JSON. */
export type CheckoutData = {
  readonly orderId: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
  readonly holdSeconds: number;
  readonly currency: string;
  /** Minor units, as a decimal string. */
  readonly totalMinor: string;
  readonly paymentMethodId: string;
  readonly paymentToken: string;
  readonly shippingMethodId: string;
  /** How long the customer may take to act at the bank. Sagas that were started before it was stored lack it. */
  readonly paymentActionSeconds?: number;
};

export const CUSTOMER_REQUEST = 'CUSTOMER_REQUEST';
/** The customer was asked to act (3-D Secure), and nothing came of it in time. */
export const PAYMENT_ACTION_EXPIRED = 'PAYMENT_ACTION_EXPIRED';

/** What sagas have that were started before it was configurable. */
export const PAYMENT_ACTION_SECONDS = 900;
/** Who acts in the last second is still heard: a lost webhook costs payments ten seconds, the way back one or two. */
const PAYMENT_ACTION_MARGIN_SECONDS = 30;

export function paymentActionSeconds(data: CheckoutData): number {
  return data.paymentActionSeconds ?? PAYMENT_ACTION_SECONDS;
}

export const checkout = defineSaga<CheckoutData>({
  name: 'checkout',
  version: 1,
  timeoutReason: (state) => `${state}_TIMED_OUT`,
  steps: [
    {
      state: 'RESERVING',
      command: ({ orderId, lines, holdSeconds }) =>
        send(ReserveStockSchema, { orderId, lines: lines.map((line) => ({ ...line })), holdSeconds }),
      success: StockReservedSchema,
      refusals: [refusal(StockReservationRefusedSchema, ({ reason }) => reason)],
      undo: { command: ({ orderId }) => send(ReleaseStockSchema, { orderId }), done: StockReleasedSchema },
      timeoutSeconds: 120,
      onTimeout: 'compensate',
    },
    {
      state: 'AUTHORIZING',
      command: ({ orderId, currency, totalMinor, paymentMethodId, paymentToken }) =>
        send(AuthorizePaymentSchema, {
          orderId,
          amount: { currency, minor: BigInt(totalMinor) },
          paymentMethodId,
          paymentToken,
        }),
      success: PaymentAuthorizedSchema,
      refusals: [refusal(PaymentDeclinedSchema, ({ reason }) => reason)],
      extension: {
        schema: PaymentActionRequiredSchema,
        seconds: (data) => paymentActionSeconds(data) + PAYMENT_ACTION_MARGIN_SECONDS,
        timeoutReason: PAYMENT_ACTION_EXPIRED,
      },
      undo: {
        command: ({ orderId }) => send(CancelPaymentSchema, { orderId, reason: 'ORDER_NOT_COMPLETED' }),
        done: PaymentCancelledSchema,
      },
      timeoutSeconds: 60,
      onTimeout: 'compensate',
    },
    {
      state: 'COMMITTING_STOCK',
      command: ({ orderId }) => send(CommitStockSchema, { orderId }),
      success: StockCommittedSchema,
      refusals: [refusal(StockCommitRefusedSchema, ({ reason }) => reason)],
      timeoutSeconds: 120,
      onTimeout: 'compensate',
    },
    {
      state: 'CAPTURING',
      command: ({ orderId }) => send(CapturePaymentSchema, { orderId }),
      success: PaymentCapturedSchema,
      refusals: [refusal(PaymentCaptureFailedSchema, ({ reason }) => reason)],
      timeoutSeconds: 60,
      onTimeout: 'repeat',
      pivot: true,
    },
    {
      state: 'ARRANGING_SHIPMENT',
      command: ({ orderId, shippingMethodId }) => send(CreateShipmentSchema, { orderId, methodId: shippingMethodId }),
      success: ShipmentCreatedSchema,
      refusals: [refusal(ShipmentRefusedSchema, ({ reason }) => reason)],
      timeoutSeconds: 120,
      onTimeout: 'repeat',
    },
  ],
});

/** The longest way from the hold of the stock to its commitment: a hold that is shorter may expire under the order. */
export function longestHoldSeconds(actionSeconds: number): number {
  const waits = checkout.steps.filter(({ state }) => ['RESERVING', 'AUTHORIZING', 'COMMITTING_STOCK'].includes(state));
  const timeouts = waits.reduce((sum, { timeoutSeconds }) => sum + timeoutSeconds, 0);
  return timeouts + actionSeconds + PAYMENT_ACTION_MARGIN_SECONDS;
}
