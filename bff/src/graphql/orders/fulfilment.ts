// An order's payment and shipment. Their services show them to no user directly, so they are read as the BFF itself,
// and only from an order that the user was allowed to read (order.ts).
import { type Payment, type PaymentAction, PaymentState } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { type Shipment, ShipmentState } from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import { builder } from '../builder.ts';
import { knownOrOther, OTHER_VALUE } from '../known.ts';
import { MoneyRef } from '../money.ts';
import { toDate } from '../time.ts';

const PaymentStateRef = builder.enumType('PaymentState', {
  values: {
    PENDING: { value: PaymentState.PENDING, description: 'An operation at the provider is under way, or about to be.' },
    AUTHORIZED: { value: PaymentState.AUTHORIZED },
    DECLINED: { value: PaymentState.DECLINED },
    CAPTURED: { value: PaymentState.CAPTURED },
    VOIDED: { value: PaymentState.VOIDED },
    REFUNDED: { value: PaymentState.REFUNDED },
    UNKNOWN: { value: PaymentState.UNKNOWN, description: "The provider's answer is not known yet." },
    OTHER: OTHER_VALUE,
  },
});

export const PaymentRef = builder.objectRef<Payment>('Payment').implement({
  fields: (t) => ({
    state: t.field({
      type: PaymentStateRef,
      resolve: ({ state }) => knownOrOther(PaymentState, state),
    }),
    amount: t.field({ type: MoneyRef, nullable: true, resolve: ({ amount }) => amount }),
    captured: t.field({ type: MoneyRef, nullable: true, resolve: ({ captured }) => captured }),
    refunded: t.field({ type: MoneyRef, nullable: true, resolve: ({ refunded }) => refunded }),
    reason: t.string({
      nullable: true,
      description: 'Stable code of a refusal, for example CARD_DECLINED.',
      resolve: ({ reason }) => reason || null,
    }),
  }),
});

interface PaymentActionView {
  readonly action: PaymentAction;
  readonly expiresAt: Date;
}

export const PaymentActionRef = builder.objectRef<PaymentActionView>('PaymentAction').implement({
  description: 'What the customer must do before the payment provider decides. At least one way is given.',
  fields: (t) => ({
    redirectUrl: t.string({
      nullable: true,
      description: 'Where to send the customer; null when the client acts by itself with the secret.',
      resolve: ({ action }) => action.redirectUrl || null,
    }),
    clientSecret: t.string({
      nullable: true,
      description:
        "For the payment provider's own script; null when there is only the address. Keep it to this customer.",
      resolve: ({ action }) => action.clientSecret || null,
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'Until then; an order whose customer has not acted is rejected soon after: PAYMENT_ACTION_EXPIRED.',
      resolve: ({ expiresAt }) => expiresAt,
    }),
  }),
});

const ShipmentStateRef = builder.enumType('ShipmentState', {
  values: {
    CREATED: { value: ShipmentState.CREATED },
    CANCELLED: { value: ShipmentState.CANCELLED },
    OTHER: OTHER_VALUE,
  },
});

export const ShipmentRef = builder.objectRef<Shipment>('Shipment').implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    state: t.field({
      type: ShipmentStateRef,
      resolve: ({ state }) => knownOrOther(ShipmentState, state),
    }),
    methodId: t.exposeID('methodId'),
    trackingNumber: t.string({ nullable: true, resolve: ({ trackingNumber }) => trackingNumber || null }),
    createdAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ createdAt }) => toDate(createdAt) }),
  }),
});
