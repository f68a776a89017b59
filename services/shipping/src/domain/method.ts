// Shipping methods and which of them a customer may choose.

export interface Method {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly minDays: number;
  readonly maxDays: number;
  /** ISO 3166-1 alpha-2 codes; empty means everywhere. */
  readonly countries: readonly string[];
  /** Price in minor units by currency. */
  readonly prices: ReadonlyMap<string, bigint>;
}

export interface Offer {
  readonly method: Method;
  readonly currency: string;
  readonly minor: bigint;
}

/**
 * The methods that deliver to the country and have a price in the currency, in the given order. Without a country
 * all of them: a storefront may show what there is before it knows the address.
 */
export function offersFor(methods: readonly Method[], country: string, currency: string): Offer[] {
  return methods.flatMap((method) => {
    const minor = method.prices.get(currency);
    const delivers = country === '' || method.countries.length === 0 || method.countries.includes(country);
    return minor === undefined || !delivers ? [] : [{ method, currency, minor }];
  });
}
