// Carts as types. Prices are the server's, at the moment of the answer.
import {
  type Cart,
  type CartLine,
  type CartProblem,
  CartProblemKind,
  CartStatus,
  type CartTotals,
} from '@stoa/proto/stoa/cart/v1/cart_pb';
import { AddressRef } from '../address.ts';
import { builder } from '../builder.ts';
import { VariantRef } from '../catalog/product.ts';
import { knownOrOther, OTHER_VALUE } from '../known.ts';
import { MoneyRef } from '../money.ts';
import { toDate } from '../time.ts';

const CartStatusRef = builder.enumType('CartStatus', {
  values: {
    OPEN: { value: CartStatus.OPEN },
    ORDERED: {
      value: CartStatus.ORDERED,
      description: 'Spent by an order; it opens again when that order is rejected.',
    },
  },
});

const CartProblemKindRef = builder.enumType('CartProblemKind', {
  values: {
    UNKNOWN_SKU: { value: CartProblemKind.UNKNOWN_SKU },
    OUT_OF_STOCK: { value: CartProblemKind.OUT_OF_STOCK },
    PRICE_CHANGED: { value: CartProblemKind.PRICE_CHANGED },
    QUANTITY_INVALID: { value: CartProblemKind.QUANTITY_INVALID },
    TOO_MANY_LINES: { value: CartProblemKind.TOO_MANY_LINES },
    WRONG_CURRENCY: { value: CartProblemKind.WRONG_CURRENCY },
    SHIPPING_METHOD_INVALID: { value: CartProblemKind.SHIPPING_METHOD_INVALID },
    PRICES_UNAVAILABLE: { value: CartProblemKind.PRICES_UNAVAILABLE },
    OTHER: OTHER_VALUE,
  },
});

const CartProblemRef = builder.objectRef<CartProblem>('CartProblem').implement({
  fields: (t) => ({
    kind: t.field({
      type: CartProblemKindRef,
      description: 'The message says what is the matter also where it is OTHER.',
      resolve: ({ kind }) => knownOrOther(CartProblemKind, kind),
    }),
    sku: t.string({
      nullable: true,
      description: 'Null when it is about the cart as a whole.',
      resolve: ({ sku }) => sku || null,
    }),
    message: t.exposeString('message'),
    blocking: t.exposeBoolean('blocking', { description: 'True when no order can be placed until it is solved.' }),
  }),
});

const CartLineRef = builder.objectRef<CartLine>('CartLine').implement({
  fields: (t) => ({
    sku: t.exposeString('sku'),
    quantity: t.exposeInt('quantity'),
    productId: t.exposeID('productId'),
    productName: t.exposeString('productName'),
    variantName: t.exposeString('variantName'),
    imageUrl: t.string({ nullable: true, resolve: ({ imageUrl }) => imageUrl || null }),
    unitPrice: t.field({
      type: MoneyRef,
      nullable: true,
      description: 'Null while prices are unavailable.',
      resolve: ({ unitPrice }) => unitPrice,
    }),
    lineTotal: t.field({ type: MoneyRef, nullable: true, resolve: ({ lineTotal }) => lineTotal }),
    previousUnitPrice: t.field({
      type: MoneyRef,
      nullable: true,
      description: 'The price when the line was added, where it differs.',
      resolve: ({ previousUnitPrice }) => previousUnitPrice,
    }),
    variant: t.field({
      type: VariantRef,
      nullable: true,
      description: 'Null when the SKU is no longer sold.',
      resolve: ({ sku }, _, { loaders }) => loaders.variantBySku.load(sku),
    }),
  }),
});

const CartTotalsRef = builder.objectRef<CartTotals>('CartTotals').implement({
  description: 'Prices are gross: tax is contained. Null where it cannot be told yet.',
  fields: (t) => ({
    subtotal: t.field({ type: MoneyRef, nullable: true, resolve: ({ subtotal }) => subtotal }),
    shipping: t.field({ type: MoneyRef, nullable: true, resolve: ({ shipping }) => shipping }),
    tax: t.field({ type: MoneyRef, nullable: true, resolve: ({ tax }) => tax }),
    total: t.field({ type: MoneyRef, nullable: true, resolve: ({ total }) => total }),
  }),
});

export const CartRef = builder.objectRef<Cart>('Cart').implement({
  description: "A guest's cart is used by whoever knows its id; a customer's by its owner alone.",
  fields: (t) => ({
    id: t.exposeID('id'),
    version: t.int({ resolve: ({ version }) => Number(version) }),
    status: t.field({
      type: CartStatusRef,
      resolve: ({ status }) => (status === CartStatus.ORDERED ? CartStatus.ORDERED : CartStatus.OPEN),
    }),
    currency: t.exposeString('currency'),
    lines: t.field({ type: [CartLineRef], resolve: ({ lines }) => lines }),
    email: t.string({ nullable: true, resolve: ({ email }) => email || null }),
    address: t.field({ type: AddressRef, nullable: true, resolve: ({ address }) => address }),
    shippingMethodId: t.id({ nullable: true, resolve: ({ shippingMethodId }) => shippingMethodId || null }),
    totals: t.field({ type: CartTotalsRef, nullable: true, resolve: ({ totals }) => totals }),
    problems: t.field({ type: [CartProblemRef], resolve: ({ problems }) => problems }),
    orderId: t.id({
      nullable: true,
      description: 'The order that spent the cart.',
      resolve: ({ orderId }) => orderId || null,
    }),
    updatedAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ updatedAt }) => toDate(updatedAt) }),
  }),
});
