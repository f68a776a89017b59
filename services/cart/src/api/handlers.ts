// CartService: read the request, change or read the cart, answer it priced.
import type { ServiceImpl } from '@connectrpc/connect';
import type { CartService } from '@stoa/proto/stoa/cart/v1/cart_pb';
import type { CartContext } from '../context.ts';
import type { Cart } from '../domain/cart.ts';
import { setDetails } from '../domain/change-details.ts';
import { addLines, addLinesOnce, removeLines, updateLines } from '../domain/change-lines.ts';
import { refuseIncomplete, refuseProblems } from '../domain/checkout.ts';
import { changeCart, type Edit, enforce, refuseReusedKey, visible } from './change-cart.ts';
import { claimCart } from './claim-cart.ts';
import { pricedCart, skusOf } from './price.ts';
import {
  type CreateCart,
  readAddLines,
  readCreateCart,
  readKey,
  readRemoveLines,
  readSetDetails,
  readUpdateLines,
} from './read-requests.ts';
import { writeCart } from './write-cart.ts';

function emptyCart(context: CartContext, { userId, currency, details }: CreateCart): Cart {
  return {
    id: context.ids.uuid(),
    version: 0n,
    customerId: userId,
    currency,
    lines: [],
    additions: [],
    ...details,
    orderId: undefined,
    updatedAt: context.clock.now(),
  };
}

export function cartHandlers(context: CartContext): ServiceImpl<typeof CartService> {
  return {
    async createCart(request, call) {
      const wish = readCreateCart(request, call, context.deps.currencies);
      const quotes = await context.deps.askQuotes(skusOf(undefined, wish.wishes), call);
      const { cart, problems } = addLines(emptyCart(context, wish), wish.wishes, quotes);
      const stored = await context.deps.carts.insert(cart);
      return { cart: writeCart(await pricedCart(context, call, stored, { quotes }), problems) };
    },

    async getCart(request, call) {
      const { cartId, userId } = readKey(request, call);
      const cart = visible(await context.deps.carts.read(cartId), userId);
      return { cart: writeCart(await pricedCart(context, call, cart)) };
    },

    async addLines(request, call) {
      const { wishes, addition, ...key } = readAddLines(request, call);
      const add: Edit = (cart, quotes) => {
        refuseReusedKey(cart, addition);
        return addLinesOnce(cart, addition, wishes, quotes);
      };
      return { cart: await changeCart(context, call, key, add, wishes) };
    },

    async updateLines(request, call) {
      const { wishes, ...key } = readUpdateLines(request, call);
      return { cart: await changeCart(context, call, key, (cart, quotes) => updateLines(cart, wishes, quotes)) };
    },

    async removeLines(request, call) {
      const { skus, ...key } = readRemoveLines(request, call);
      return { cart: await changeCart(context, call, key, (cart) => removeLines(cart, skus)) };
    },

    async setDetails(request, call) {
      const { details, ...key } = readSetDetails(request, call);
      return { cart: await changeCart(context, call, key, (cart) => setDetails(cart, details)) };
    },

    async claimCart(request, call) {
      return { cart: await claimCart(context, call, readKey(request, call)) };
    },

    async getCheckout(request, call) {
      const { cartId, userId } = readKey(request, call);
      const cart = visible(await context.deps.carts.read(cartId), userId);
      enforce(refuseIncomplete(cart));
      const priced = await pricedCart(context, call, cart);
      enforce(refuseProblems(priced));
      return { cart: writeCart(priced) };
    },
  };
}
