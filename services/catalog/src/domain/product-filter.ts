// What narrows a listing or a search. Bounds that were not given are the widest ones, so that one statement serves all.

export interface ProductFilter {
  /** Products in this category or below it; empty for the whole shop. */
  readonly categorySlug: string;
  readonly inStock: boolean;
  /** Bounds on the lowest price, inclusive. */
  readonly priceMin: bigint;
  readonly priceMax: bigint;
}

export const PRICE_MINOR_MAX = 1_000_000_000_000n;
