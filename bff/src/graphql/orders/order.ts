// Orders as types. An order is always shown as its owner read it: the view keeps the guest's access token, because
// what hangs on the order (its history) is asked for with the same proof.
import {
  type Order,
  type OrderLine,
  OrderStatus,
  OrderStep,
  type OrderTotals,
} from '@stoa/proto/stoa/orders/v1/order_pb';
import type { OrderHistoryEntry } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { builder } from '../builder.ts';
import { VariantRef } from '../catalog/product.ts';
import { given } from '../given.ts';
import { knownOrOther, OTHER_VALUE } from '../known.ts';
import { MoneyRef } from '../money.ts';
import { toDate } from '../time.ts';
import { PaymentActionRef, PaymentRef, ShipmentRef } from './fulfilment.ts';

/** An order and the access token it was read with; empty for a signed-in customer. */
export interface OrderView {
  readonly order: Order;
  readonly accessToken: string;
}

/** The view of an order that an RPC answered. */
export function toView(order: Order | undefined, accessToken: string): OrderView {
  return { order: given(order, 'an order'), accessToken };
}

export const OrderStatusRef = builder.enumType('OrderStatus', {
  values: {
    PENDING: { value: OrderStatus.PENDING, description: 'Accepted; stock and payment are being settled.' },
    CONFIRMED: { value: OrderStatus.CONFIRMED, description: 'Stock committed and payment captured.' },
    REJECTED: {
      value: OrderStatus.REJECTED,
      description: 'Could not be fulfilled or paid: final, nothing is held or charged.',
    },
    CANCELLED: {
      value: OrderStatus.CANCELLED,
      description: 'Cancelled on request or after confirmation: final, money returned.',
    },
    OTHER: OTHER_VALUE,
  },
});

const OrderStepRef = builder.enumType('OrderStep', {
  description: 'How far the checkout is.',
  values: {
    RESERVING: { value: OrderStep.RESERVING },
    AUTHORIZING: { value: OrderStep.AUTHORIZING },
    COMMITTING_STOCK: { value: OrderStep.COMMITTING_STOCK },
    CAPTURING: { value: OrderStep.CAPTURING },
    ARRANGING_SHIPMENT: { value: OrderStep.ARRANGING_SHIPMENT },
    COMPENSATING: { value: OrderStep.COMPENSATING },
    DONE: { value: OrderStep.DONE },
  },
});

const OrderLineRef = builder.objectRef<OrderLine>('OrderLine').implement({
  description: 'As it was bought: names and prices are frozen.',
  fields: (t) => ({
    sku: t.exposeString('sku'),
    quantity: t.exposeInt('quantity'),
    productId: t.exposeID('productId'),
    productName: t.exposeString('productName'),
    variantName: t.exposeString('variantName'),
    unitPrice: t.field({ type: MoneyRef, resolve: ({ unitPrice }) => given(unitPrice, 'a unit price') }),
    lineTotal: t.field({ type: MoneyRef, resolve: ({ lineTotal }) => given(lineTotal, 'a line total') }),
    variant: t.field({
      type: VariantRef,
      nullable: true,
      description: 'As it is sold today; null when it no longer is.',
      resolve: ({ sku }, _, { loaders }) => loaders.variantBySku.load(sku),
    }),
  }),
});

const OrderTotalsRef = builder.objectRef<OrderTotals>('OrderTotals').implement({
  description: 'Frozen when the order was placed. Prices are gross: tax is contained.',
  fields: (t) => ({
    subtotal: t.field({ type: MoneyRef, resolve: ({ subtotal }) => given(subtotal, 'a subtotal') }),
    shipping: t.field({ type: MoneyRef, resolve: ({ shipping }) => given(shipping, 'a shipping price') }),
    tax: t.field({ type: MoneyRef, resolve: ({ tax }) => given(tax, 'a tax') }),
    total: t.field({ type: MoneyRef, resolve: ({ total }) => given(total, 'a total') }),
  }),
});

const OrderHistoryEntryRef = builder.objectRef<OrderHistoryEntry>('OrderHistoryEntry').implement({
  fields: (t) => ({
    version: t.int({ resolve: ({ version }) => Number(version) }),
    type: t.exposeString('type', { description: 'Name of the event, for example "OrderConfirmed".' }),
    occurredAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ occurredAt }) => toDate(occurredAt) }),
    status: t.field({ type: OrderStatusRef, resolve: ({ status }) => knownOrOther(OrderStatus, status) }),
  }),
});

export const OrderRef = builder.objectRef<OrderView>('Order').implement({
  fields: (t) => ({
    id: t.id({ resolve: ({ order }) => order.id }),
    number: t.string({
      description: 'What a person reads out on the telephone.',
      resolve: ({ order }) => order.number,
    }),
    version: t.int({ description: 'Rises with every change.', resolve: ({ order }) => Number(order.version) }),
    status: t.field({
      type: OrderStatusRef,
      resolve: ({ order }) => knownOrOther(OrderStatus, order.status),
    }),
    step: t.field({
      type: OrderStepRef,
      nullable: true,
      description: 'Null where it is not known: in live updates.',
      resolve: ({ order: { step } }) => knownOrOther(OrderStep, step) || null,
    }),
    reason: t.string({
      nullable: true,
      description: 'Why it was rejected or cancelled, for example INSUFFICIENT_STOCK or CARD_DECLINED.',
      resolve: ({ order }) => order.reason || null,
    }),
    lines: t.field({ type: [OrderLineRef], resolve: ({ order }) => order.lines }),
    totals: t.field({ type: OrderTotalsRef, resolve: ({ order }) => given(order.totals, 'totals') }),
    cartId: t.id({ resolve: ({ order }) => order.cartId }),
    shippingMethodId: t.id({ resolve: ({ order }) => order.shippingMethodId }),
    paymentMethodId: t.id({ resolve: ({ order }) => order.paymentMethodId }),
    placedAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ order }) => toDate(order.placedAt) }),
    updatedAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ order }) => toDate(order.updatedAt) }),
    trackingNumber: t.string({ nullable: true, resolve: ({ order }) => order.trackingNumber || null }),
    history: t.field({
      type: [OrderHistoryEntryRef],
      nullable: true,
      description: "The order's events, oldest first, up to the version shown.",
      resolve: async ({ order, accessToken }, _, { loaders }) => {
        const history = await loaders.historyByOrder.load({ orderId: order.id, accessToken });
        return history?.entries.filter(({ version }) => version <= order.version);
      },
    }),
    payment: t.field({
      type: PaymentRef,
      nullable: true,
      description: 'As it stands now; null before the checkout reaches it.',
      resolve: async ({ order }, _, { loaders }) => (await loaders.paymentByOrder.load(order.id))?.payment,
    }),
    paymentAction: t.field({
      type: PaymentActionRef,
      nullable: true,
      description:
        'What the customer must do for the payment, for example confirm it at their bank (3-D Secure); null when there is ' +
        'nothing to do (any more). Send them there, and follow orderStatusChanged meanwhile.',
      resolve: async ({ order }, _, { loaders }) => {
        // Most orders have none: only those that say so cost a look at the payment.
        const expiresAt = toDate(order.paymentAction?.expiresAt);
        if (order.status !== OrderStatus.PENDING || expiresAt === null) return null;
        const action = (await loaders.paymentByOrder.load(order.id))?.action;
        return action === undefined ? null : { action, expiresAt };
      },
    }),
    shipment: t.field({
      type: ShipmentRef,
      nullable: true,
      description: 'As it stands now; null before there is one.',
      resolve: ({ order }, _, { loaders }) => loaders.shipmentByOrder.load(order.id),
    }),
  }),
});
