// What other contexts say about a cart's contents, in this context's words.
import type { Money } from '@stoa/proto/money';

/** A variant as catalog offers it now. */
export interface VariantQuote {
  readonly price: Money;
  /** Rises with each price change. */
  readonly priceVersion: number;
  readonly productId: string;
  readonly productName: string;
  readonly variantName: string;
  readonly imageUrl: string;
  readonly inStock: boolean;
}

/** Answers for every SKU that was asked about; null means that catalog does not know it. */
export type Quotes = ReadonlyMap<string, VariantQuote | null>;

export interface ShippingMethod {
  readonly id: string;
  readonly price: Money;
  /** Countries it delivers to; empty means everywhere. */
  readonly countries: readonly string[];
}
