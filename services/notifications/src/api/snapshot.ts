// The stored order, as the mail templates want it.
import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import { OrderSchema } from '@stoa/proto/stoa/orders/v1/order_pb';
import type { MailOrder } from '../domain/render.ts';

/** `number` is what orders says now; the snapshot's own is used when it says none. */
export function readSnapshot(snapshot: unknown, number: string): MailOrder {
  // Fields that this version does not know were written by a newer one: the mail can do without them.
  const order = fromJson(OrderSchema, snapshot as JsonValue, { ignoreUnknownFields: true });
  return {
    number: number === '' ? order.number : number,
    lines: order.lines.map((line) => ({
      product: line.productName === '' ? line.sku : line.productName,
      variant: line.variantName,
      quantity: line.quantity,
      total: line.lineTotal,
    })),
    totals: {
      subtotal: order.totals?.subtotal,
      shipping: order.totals?.shipping,
      tax: order.totals?.tax,
      total: order.totals?.total,
    },
    reason: order.reason,
    trackingNumber: order.trackingNumber,
  };
}
