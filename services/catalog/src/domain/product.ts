// The catalog's words: products, their variants and categories, as they are stored and as they are read.
// Prices are minor units as bigint; a product's variants share one currency, so "cheapest" has a meaning.

/** The numbers are those of the contract's StockBand and of the database's stock_band(): out of stock, low, in stock. */
export type StockBand = 1 | 2 | 3;

export interface Category {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  /** undefined for a root. */
  readonly parentId: string | undefined;
  readonly position: number;
}

export interface ProductOption {
  readonly name: string;
  readonly values: readonly string[];
}

export interface SelectedOption {
  readonly name: string;
  readonly value: string;
}

export interface VariantDraft {
  readonly sku: string;
  readonly name: string;
  readonly options: readonly SelectedOption[];
  readonly priceMinor: bigint;
}

/** A product as somebody wants it stored. */
export interface ProductDraft {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly description: string;
  readonly imageUrl: string;
  readonly currency: string;
  readonly categoryIds: readonly string[];
  readonly options: readonly ProductOption[];
  /** At least one. */
  readonly variants: readonly VariantDraft[];
}

/** The cheapest and the dearest variant; throws on none, which reading the request has excluded. */
export function priceRange(variants: readonly VariantDraft[]): { readonly from: bigint; readonly to: bigint } {
  const [first, ...others] = variants.map((variant) => variant.priceMinor);
  if (first === undefined) throw new Error('a product without variants has no price');
  return {
    from: others.reduce((least, price) => (price < least ? price : least), first),
    to: others.reduce((most, price) => (price > most ? price : most), first),
  };
}

/**
 * What a name is sorted by, compared code point by code point: case and accents do not matter, "Étui" stands under E.
 * The name itself does not follow it, because the product's id breaks ties.
 */
export function nameKey(name: string): string {
  const folded = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return folded.replace(/\s+/g, ' ').trim();
}

/** Why the variants do not fit the product's options, by index; empty when all fit. */
export function optionProblems(
  options: readonly ProductOption[],
  variants: readonly { readonly options: readonly SelectedOption[] }[],
): readonly { readonly variant: number; readonly problem: string }[] {
  const seen = new Set<string>();
  return variants.flatMap(({ options: chosen }, variant) => {
    const choices = options.map(({ name, values }) => {
      const value = chosen.find((choice) => choice.name === name)?.value;
      return value !== undefined && values.includes(value) ? value : undefined;
    });
    if (chosen.length !== options.length || choices.includes(undefined)) {
      return [{ variant, problem: 'must choose one value of each option of the product' }];
    }
    const combination = JSON.stringify(choices);
    if (seen.has(combination)) return [{ variant, problem: 'chooses the same values as another variant' }];
    seen.add(combination);
    return [];
  });
}
