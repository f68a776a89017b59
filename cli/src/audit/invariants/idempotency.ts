// I9: one key, one order: the order that the key's request asked for. The hash that was stored with the key is made
// again from the order, so a key that leads to somebody else's order is noticed.

import { create } from '@bufbuild/protobuf';
import { requestHash } from '@stoa/orders/api/read-requests';
import { PlaceOrderRequestSchema } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { collect, type Invariant } from '../invariant.ts';
import { batches, type Keyed, mergeByKey } from '../stream.ts';

interface KeyRow extends Keyed {
  readonly name: string;
  readonly scope: string;
  readonly hash: Buffer;
}

interface OrderRow extends Keyed {
  readonly customer: string;
  readonly cart: string;
  readonly currency: string;
  readonly total: bigint;
  readonly method: string | null;
  readonly token: string | null;
}

const KEYS = 'select order_id as key, key as name, scope, request_hash as hash from idempotency_key order by order_id';
const ORDERS = `
  select o.id as key, coalesce(o.customer_id::text, '') as customer, o.cart_id as cart, o.currency,
    o.total_minor as total, s.data->>'paymentMethodId' as method, s.data->>'paymentToken' as token
  from orders o left join saga s on s.saga_id = o.id order by o.id`;

export const idempotency: Invariant = {
  id: 'I9',
  title: 'one key, one order',
  needs: ['orders'],
  async check(look) {
    const found = collect();
    const orders = look.at('orders');
    let count = 0;
    await mergeByKey<[KeyRow, OrderRow]>([batches(orders, KEYS), batches(orders, ORDERS)], (id, keys, [order]) => {
      count += keys.length;
      // A key without an order is I8's to tell.
      if (order === undefined) return;
      if (keys.length > 1) found.add({ key: `order ${id}`, text: `was placed under ${keys.length} keys` });
      for (const key of keys) {
        const text = problemOf(key, order);
        if (text !== undefined) found.add({ key: `key ${key.name}`, text: `${text}: order ${id}` });
      }
    });
    return found.outcome([count, 'keys']);
  },
};

function problemOf({ scope, hash }: KeyRow, order: OrderRow): string | undefined {
  // A guest's cart may be ordered by whoever knows it; a customer's only by that customer.
  if (order.customer !== '' && scope !== order.customer) return `a key of ${scope} leads to another customer's order`;
  return possibleHashes(order).some((possible) => possible.equals(hash))
    ? undefined
    : 'the key was used for another request than the order it leads to';
}

/** With the total that the client expected, or without one: which it was is not stored. */
function possibleHashes({ cart, method, token, currency, total }: OrderRow): Buffer[] {
  const request = { cartId: cart, paymentMethodId: method ?? '', paymentToken: token ?? '' };
  return [{}, { expectedTotal: { currency, minor: total } }].map((expected) =>
    requestHash(create(PlaceOrderRequestSchema, { ...request, ...expected })),
  );
}
