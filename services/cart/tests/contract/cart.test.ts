// Cart between orders, catalog and shipping: their examples have their effect here, and the checkout has what orders
// relies on.

import type { DescMessage, JsonObject } from '@bufbuild/protobuf';
import { readContract } from '@stoa/chassis/testing/contract';
import { fake } from '@stoa/chassis/testing/fake';
import { type TestMessage, type TestService, testService } from '@stoa/chassis/testing/test-service';
import {
  CartService,
  CartStatus,
  GetCheckoutRequestSchema,
  GetCheckoutResponseSchema,
} from '@stoa/proto/stoa/cart/v1/cart_pb';
import {
  CatalogService,
  GetVariantsRequestSchema,
  GetVariantsResponseSchema,
} from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { OrderCancelledSchema, OrderPlacedSchema, OrderRejectedSchema } from '@stoa/proto/stoa/orders/v1/events_pb';
import {
  ListMethodsRequestSchema,
  ListMethodsResponseSchema,
  ShippingService,
} from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { cart } from '../../src/service.ts';
import { address } from '../integration/open-shop.ts';

const orders = readContract('orders-cart');
const catalog = readContract('catalog-cart');
const shipping = readContract('shipping-cart');
const asked: string[] = [];

let service: TestService;
beforeAll(async () => {
  service = await testService(cart, {
    postgresUrl: inject('postgresUrl'),
    fakes: [
      fake(CatalogService, {
        getVariants(request) {
          asked.push(...catalog.shortcomings('GetVariants request', GetVariantsRequestSchema, request));
          return catalog.example('GetVariants', GetVariantsResponseSchema);
        },
      }),
      fake(ShippingService, {
        listMethods(request) {
          asked.push(...shipping.shortcomings('ListMethods request', ListMethodsRequestSchema, request));
          return shipping.example('ListMethods', ListMethodsResponseSchema);
        },
      }),
    ],
  });
});
afterAll(() => service.stop());

const carts = () => service.client(CartService);

/** A cart of what the examples offer, ready to be ordered. */
async function fullCart(): Promise<string> {
  const details = { email: 'ada@example.org', address, shippingMethodId: 'standard' };
  const { cart: made } = await carts().createCart({ lines: [{ sku: 'MUG', quantity: 2 }], details });
  return made?.id ?? '';
}

test('catalog’s and shipping’s answers price a cart, asked as they expect to be', async () => {
  const { cart: priced } = await carts().getCart({ cartId: await fullCart() });
  const variant = catalog.example('GetVariants', GetVariantsResponseSchema).variants[0];
  const { price, priceVersion, productId, productName, name, imageUrl } = variant ?? {};
  expect(priced?.lines[0]).toMatchObject({
    unitPrice: price,
    priceVersion,
    productId,
    productName,
    variantName: name,
    imageUrl,
  });
  expect(priced?.totals).toMatchObject({
    subtotal: { minor: 3998n },
    shipping: { minor: 490n },
    total: { minor: 4488n },
  });
  expect(priced?.problems).toEqual([]);
  expect(asked).toEqual([]);
});

test('the checkout has what orders relies on', async () => {
  const agreed = readContract('cart-orders');
  const request = agreed.example('GetCheckout request', GetCheckoutRequestSchema, { cartId: await fullCart() });
  const answer = await carts().getCheckout(request);
  expect(agreed.shortcomings('GetCheckout', GetCheckoutResponseSchema, answer)).toEqual([]);
});

const deliver = (name: string, schema: DescMessage, over: JsonObject) =>
  service.deliver('cart.orders', [{ schema, message: orders.example(name, schema, over) } as TestMessage]);

test('orders’ events spend a cart, and open it again', async () => {
  for (const [name, ended] of [
    ['OrderRejected', OrderRejectedSchema],
    ['OrderCancelled', OrderCancelledSchema],
  ] as const) {
    const cartId = await fullCart();
    const over = { order: { cartId } };
    await deliver('OrderPlaced', OrderPlacedSchema, over);
    expect((await carts().getCart({ cartId })).cart?.status).toBe(CartStatus.ORDERED);
    await deliver(name, ended, over);
    expect((await carts().getCart({ cartId })).cart).toMatchObject({ status: CartStatus.OPEN, version: 2n });
  }
  expect(orders.names).toEqual(['OrderPlaced', 'OrderRejected', 'OrderCancelled']);
});
