// What a checkout page offers: ways to ship and ways to pay.
import type { PaymentMethod } from '@stoa/proto/stoa/payments/v1/payments_pb';
import type { ShippingMethod } from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import { builder } from '../builder.ts';
import { given } from '../given.ts';
import { MoneyRef } from '../money.ts';

const ShippingMethodRef = builder.objectRef<ShippingMethod>('ShippingMethod').implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name'),
    description: t.exposeString('description'),
    price: t.field({ type: MoneyRef, resolve: ({ price }) => given(price, 'a price') }),
    minDays: t.exposeInt('minDays'),
    maxDays: t.exposeInt('maxDays'),
    countries: t.exposeStringList('countries', {
      description: 'ISO 3166-1 alpha-2 codes it delivers to; empty means everywhere.',
    }),
  }),
});

const PaymentMethodRef = builder.objectRef<PaymentMethod>('PaymentMethod').implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name'),
    sampleTokens: t.exposeStringList('sampleTokens', {
      description: 'Tokens to try, offered by the sandbox provider only.',
    }),
  }),
});

builder.queryFields((t) => ({
  shippingMethods: t.field({
    type: [ShippingMethodRef],
    nullable: true,
    args: {
      country: t.arg.string({ description: 'ISO 3166-1 alpha-2; left out: those offered anywhere.' }),
      currency: t.arg.string({ description: "ISO 4217; the shop's own when left out." }),
    },
    resolve: async (_, { country, currency }, { clients, call, shopCurrency }) => {
      const request = { country: country ?? '', currency: currency ?? shopCurrency };
      return (await clients.shipping.listMethods(request, call())).methods;
    },
  }),
  paymentMethods: t.field({
    type: [PaymentMethodRef],
    nullable: true,
    resolve: async (_, _args, { clients, call }) => (await clients.payments.listMethods({}, call())).methods,
  }),
}));
