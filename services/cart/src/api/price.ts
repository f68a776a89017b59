// Pricing a cart for an answer: asks catalog for what is not known yet, and shipping, at the same time.
import type { HandlerContext } from '@connectrpc/connect';
import type { CartContext } from '../context.ts';
import type { Cart } from '../domain/cart.ts';
import { type PricedCart, priceCart } from '../domain/price-cart.ts';
import type { Quotes } from '../domain/quote.ts';

/** What catalog said earlier in the same call; `quotes` undefined: it did not answer, and is not asked again. */
export interface Asked {
  readonly quotes: Quotes | undefined;
}

/** The SKUs that a call is about, each once. */
export function skusOf(cart: Cart | undefined, wishes: readonly { readonly sku: string }[] = []): Set<string> {
  return new Set([...(cart?.lines ?? []), ...wishes].map(({ sku }) => sku));
}

export async function pricedCart(
  context: CartContext,
  call: HandlerContext,
  cart: Cart,
  asked?: Asked,
): Promise<PricedCart> {
  const [quotes, shippingMethods] = await Promise.all([
    quotesFor(context, call, cart, asked),
    cart.shippingMethodId === undefined
      ? undefined
      : context.deps.askShippingMethods(cart.address?.country ?? '', cart.currency, call),
  ]);
  return priceCart(cart, { quotes, shippingMethods, taxBasisPoints: context.config.taxBasisPoints });
}

/** A parallel change may have brought lines that were not asked about: then everything is asked again. */
async function quotesFor(context: CartContext, call: HandlerContext, cart: Cart, asked: Asked | undefined) {
  if (asked === undefined) return context.deps.askQuotes(skusOf(cart), call);
  const { quotes } = asked;
  if (quotes === undefined || cart.lines.every((line) => quotes.has(line.sku))) return quotes;
  return context.deps.askQuotes(skusOf(cart), call);
}
