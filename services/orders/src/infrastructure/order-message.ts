// Between the domain's order and the contract's.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Money } from '@stoa/proto/stoa/common/v1/money_pb';
import { type Order as OrderMessage, OrderSchema, OrderStatus as Status } from '@stoa/proto/stoa/orders/v1/order_pb';
import type { Amount, Order, OrderLine, OrderStatus, OrderTotals } from '../domain/order.ts';

const STATUS: Readonly<Record<OrderStatus, Status>> = {
  PENDING: Status.PENDING,
  CONFIRMED: Status.CONFIRMED,
  REJECTED: Status.REJECTED,
  CANCELLED: Status.CANCELLED,
};
const STATUS_BACK = new Map(Object.entries(STATUS).map(([name, value]) => [value, name as OrderStatus]));

/** The order as clients and events carry it. */
export function writeOrder({ paymentAction, ...order }: Order): OrderMessage {
  return create(OrderSchema, {
    ...order,
    ...(paymentAction && { paymentAction: { expiresAt: timestampFromDate(paymentAction.expiresAt) } }),
    status: STATUS[order.status],
    lines: order.lines.map((line) => ({ ...line })),
    totals: { ...order.totals },
    placedAt: timestampFromDate(order.placedAt),
    updatedAt: timestampFromDate(order.updatedAt),
  });
}

const readAmount = (money: Money | undefined): Amount => {
  if (money === undefined) throw new Error('a stored order lacks an amount');
  return { currency: money.currency, minor: money.minor };
};

/** Reads an order that `writeOrder` wrote. Field by field: a message's own markers must not get into the domain. */
export function readOrder(message: OrderMessage): Order {
  const status = STATUS_BACK.get(message.status);
  if (status === undefined) throw new Error(`a stored order has the unknown status ${message.status}`);
  const { totals, placedAt, updatedAt, paymentAction } = message;
  if (totals === undefined || placedAt === undefined || updatedAt === undefined) {
    throw new Error('a stored order is incomplete');
  }
  return {
    id: message.id,
    number: message.number,
    version: message.version,
    status,
    customerId: message.customerId,
    cartId: message.cartId,
    cartVersion: message.cartVersion,
    lines: message.lines.map(readLine),
    totals: readTotals(totals),
    shippingMethodId: message.shippingMethodId,
    paymentMethodId: message.paymentMethodId,
    placedAt: timestampDate(placedAt),
    updatedAt: timestampDate(updatedAt),
    reason: message.reason,
    trackingNumber: message.trackingNumber,
    paymentAction: paymentAction?.expiresAt && { expiresAt: timestampDate(paymentAction.expiresAt) },
  };
}

function readLine(line: OrderMessage['lines'][number]): OrderLine {
  return {
    sku: line.sku,
    quantity: line.quantity,
    productId: line.productId,
    productName: line.productName,
    variantName: line.variantName,
    unitPrice: readAmount(line.unitPrice),
    lineTotal: readAmount(line.lineTotal),
    priceVersion: line.priceVersion,
  };
}

function readTotals({ subtotal, shipping, tax, total }: NonNullable<OrderMessage['totals']>): OrderTotals {
  return {
    subtotal: readAmount(subtotal),
    shipping: readAmount(shipping),
    tax: readAmount(tax),
    total: readAmount(total),
  };
}

export const encodeOrder = (order: Order): Uint8Array => toBinary(OrderSchema, writeOrder(order));
export const decodeOrder = (bytes: Uint8Array): Order => readOrder(fromBinary(OrderSchema, bytes));
