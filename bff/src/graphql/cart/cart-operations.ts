// Reading and changing carts.
import type { Cart } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { AddressInput, readAddress } from '../address.ts';
import { builder } from '../builder.ts';
import { named } from '../errors.ts';
import { given } from '../given.ts';
import { orUndefined } from '../loaders.ts';
import { mutation } from '../result.ts';
import { CartRef } from './cart.ts';

const CartLineInput = builder.inputType('CartLineInput', {
  fields: (t) => ({
    sku: t.string({ required: true }),
    quantity: t.int({ required: true, description: '1 to 999; when updating, 0 removes the line.' }),
  }),
});

const CartCreateInput = builder.inputType('CartCreateInput', {
  description: 'Everything may be given at once, or later.',
  fields: (t) => ({
    currency: t.string({ description: "ISO 4217; the shop's own when left out." }),
    lines: t.field({ type: [CartLineInput] }),
    email: t.string(),
    address: t.field({ type: AddressInput }),
    shippingMethodId: t.id(),
  }),
});

const CartLinesInput = builder.inputType('CartLinesInput', {
  fields: (t) => ({
    cartId: t.id({ required: true }),
    lines: t.field({ type: [CartLineInput], required: true }),
    idempotencyKey: t.string({
      description:
        'For cartLinesAdd, which adds again when it is sent again: up to 200 printable characters, chosen by you for this ' +
        'addition. The same request under the same key adds once. Setting quantities needs none.',
    }),
  }),
});

const CartLinesRemoveInput = builder.inputType('CartLinesRemoveInput', {
  fields: (t) => ({
    cartId: t.id({ required: true }),
    skus: t.stringList({ required: true }),
  }),
});

const CartSetDetailsInput = builder.inputType('CartSetDetailsInput', {
  description: 'What is left out, or null, stays as it is.',
  fields: (t) => ({
    cartId: t.id({ required: true }),
    email: t.string(),
    address: t.field({ type: AddressInput }),
    shippingMethodId: t.id(),
  }),
});

const CartClaimInput = builder.inputType('CartClaimInput', {
  fields: (t) => ({ cartId: t.id({ required: true }) }),
});

type Details = Pick<typeof CartSetDetailsInput.$inferInput, 'email' | 'address' | 'shippingMethodId'>;

function readDetails({ email, address, shippingMethodId }: Details) {
  return {
    ...(email == null ? {} : { email }),
    ...(address == null ? {} : { address: readAddress(address) }),
    ...(shippingMethodId == null ? {} : { shippingMethodId: String(shippingMethodId) }),
  };
}

interface CartAnswer {
  readonly cart?: Cart | undefined;
}

const payload = (name: string) =>
  builder.objectRef<CartAnswer>(name).implement({
    fields: (t) => ({ cart: t.field({ type: CartRef, resolve: ({ cart }) => given(cart, 'a cart') }) }),
  });

/** The RPC nests what the input has flat. */
const NAMES = { 'details.': '' };

builder.queryField('cart', (t) =>
  t.field({
    type: CartRef,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: async (_, { id }, { clients, call }) =>
      (await orUndefined(named(clients.cart.getCart({ cartId: id }, call()), { cart_id: 'id' })))?.cart,
  }),
);

mutation('cartCreate', {
  description: 'Opens a cart, with its contents if they are known already.',
  input: CartCreateInput,
  payload: payload('CartCreatePayload'),
  names: NAMES,
  resolve: ({ currency, lines, ...details }, { clients, call }) =>
    clients.cart.createCart({ currency: currency ?? '', lines: lines ?? [], details: readDetails(details) }, call()),
});

mutation('cartLinesAdd', {
  description: 'Adds quantities. Lines that cannot be added are among `cart.problems`; the others are added.',
  input: CartLinesInput,
  payload: payload('CartLinesAddPayload'),
  resolve: ({ idempotencyKey, ...input }, { clients, call }) =>
    clients.cart.addLines({ ...input, idempotencyKey: idempotencyKey ?? '' }, call()),
});

mutation('cartLinesUpdate', {
  description: 'Sets the quantities of existing lines; 0 removes.',
  input: CartLinesInput,
  payload: payload('CartLinesUpdatePayload'),
  resolve: ({ cartId, lines }, { clients, call }) => clients.cart.updateLines({ cartId, lines }, call()),
});

mutation('cartLinesRemove', {
  description: 'Removes lines by SKU; one that is not there is no error.',
  input: CartLinesRemoveInput,
  payload: payload('CartLinesRemovePayload'),
  resolve: (input, { clients, call }) => clients.cart.removeLines(input, call()),
});

mutation('cartSetDetails', {
  description: 'Sets contact, address or shipping method.',
  input: CartSetDetailsInput,
  payload: payload('CartSetDetailsPayload'),
  names: NAMES,
  resolve: ({ cartId, ...details }, { clients, call }) =>
    clients.cart.setDetails({ cartId, details: readDetails(details) }, call()),
});

mutation('cartClaim', {
  description: "Gives a guest's cart to the signed-in customer, merged into the customer's open cart if there is one.",
  input: CartClaimInput,
  payload: payload('CartClaimPayload'),
  resolve: ({ cartId }, { clients, call }) => clients.cart.claimCart({ cartId }, call()),
});
