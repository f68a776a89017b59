// What orders tells of carts.
import { received } from '@stoa/chassis/testing/test-service';
import type {
  OrderCancelledSchema,
  OrderConfirmedSchema,
  OrderRejectedSchema,
} from '@stoa/proto/stoa/orders/v1/events_pb';
import { OrderPlacedSchema } from '@stoa/proto/stoa/orders/v1/events_pb';

let orders = 0;
export const newOrderId = () => `0190a000-0000-7000-8001-${(++orders).toString(16).padStart(12, '0')}`;

export function event(
  schema:
    | typeof OrderPlacedSchema
    | typeof OrderConfirmedSchema
    | typeof OrderRejectedSchema
    | typeof OrderCancelledSchema,
  orderId: string,
  cart: { readonly id: string; readonly version: bigint },
) {
  const version = schema === OrderPlacedSchema ? 1n : 2n;
  return received(schema as typeof OrderPlacedSchema, {
    orderId,
    version,
    order: { id: orderId, cartId: cart.id, cartVersion: cart.version },
  });
}
