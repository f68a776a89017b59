// Shipping methods and their prices, kept in memory for up to 30 s: they change rarely, and an order freezes the price
// that its cart showed. The number of entries is bounded by countries times offered currencies.
import type { Client, HandlerContext } from '@connectrpc/connect';
import type { Clock } from '@stoa/chassis/runtime';
import type { ShippingService } from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import type { ShippingMethod } from '../domain/quote.ts';
import { ask, type Watch } from './ask.ts';

/** How old a shipping price may be. */
const FRESH_MS = 30_000;

/** Methods for a country (empty: not known yet) and currency, or undefined when shipping does not answer. */
export type AskShippingMethods = (
  country: string,
  currency: string,
  call: HandlerContext,
) => Promise<readonly ShippingMethod[] | undefined>;

export function createShippingMethods(
  shipping: Client<typeof ShippingService>,
  clock: Clock,
  watch: Watch,
): AskShippingMethods {
  const known = new Map<string, { readonly methods: readonly ShippingMethod[]; readonly staleAtMs: number }>();
  return async (country, currency, call) => {
    const key = `${country} ${currency}`;
    const askedAtMs = clock.monotonicMs();
    const fresh = known.get(key);
    if (fresh !== undefined && askedAtMs < fresh.staleAtMs) return fresh.methods;
    const answer = await ask(call, watch, 'shipping', (options) =>
      shipping.listMethods({ country, currency }, options),
    );
    if (answer === undefined) return undefined;
    const methods = answer.methods.flatMap(({ id, price, countries }) =>
      price === undefined ? [] : [{ id, price, countries }],
    );
    known.set(key, { methods, staleAtMs: askedAtMs + FRESH_MS });
    return methods;
  };
}
