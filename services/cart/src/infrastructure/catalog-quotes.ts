// Prices, names and availability from catalog. Never cached: a checkout is priced with what catalog says now.
import type { Client, HandlerContext } from '@connectrpc/connect';
import { type CatalogService, StockBand, type Variant } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import type { Quotes, VariantQuote } from '../domain/quote.ts';
import { ask, type Watch } from './ask.ts';

/** Quotes for all of the SKUs, or undefined when catalog does not answer. At most 200: two full carts. */
export type AskQuotes = (skus: Iterable<string>, call: HandlerContext) => Promise<Quotes | undefined>;

function toQuote(variant: Variant): VariantQuote | null {
  const { price, priceVersion, productId, productName, name, imageUrl, availability } = variant;
  if (price === undefined) return null;
  return {
    price,
    priceVersion,
    productId,
    productName,
    variantName: name,
    imageUrl,
    inStock: availability !== StockBand.OUT_OF_STOCK,
  };
}

export function createQuotes(catalog: Client<typeof CatalogService>, watch: Watch): AskQuotes {
  return async (skus, call) => {
    const quotes = new Map<string, VariantQuote | null>();
    for (const sku of skus) quotes.set(sku, null);
    if (quotes.size === 0) return quotes;
    const answer = await ask(call, watch, 'catalog', (options) =>
      catalog.getVariants({ skus: [...quotes.keys()] }, options),
    );
    if (answer === undefined) return undefined;
    for (const variant of answer.variants) quotes.set(variant.sku, toQuote(variant));
    return quotes;
  };
}
