// Pricing: total = sum of the lines + shipping, all gross. The tax in it is computed for each line and for shipping,
// rounded half up, then summed; so the lines' taxes on an invoice always add up to its tax.
// A line that cannot be priced anew keeps the price it had and gets a blocking problem, so that a cart can always be
// shown and never be placed on a guess.
import { add, containedTax, type Money, money, multiply, sum, zero } from '@stoa/proto/money';
import { type Cart, type Line, type Problem, QUANTITY_MAX } from './cart.ts';
import type { Quotes, ShippingMethod, VariantQuote } from './quote.ts';

export interface PricedLine extends Line {
  readonly unitPrice: Money;
  readonly lineTotal: Money;
  /** The price when the line was last touched, where it differs. */
  readonly previousUnitPrice: Money | undefined;
}

export interface Totals {
  readonly subtotal: Money;
  readonly shipping: Money;
  readonly tax: Money;
  readonly total: Money;
}

export interface PricedCart {
  readonly cart: Cart;
  readonly lines: readonly PricedLine[];
  readonly totals: Totals;
  readonly problems: readonly Problem[];
}

export interface PriceList {
  /** Quotes for every line; undefined when catalog did not answer. */
  readonly quotes: Quotes | undefined;
  /** Methods for the cart's country and currency; undefined when shipping did not answer. */
  readonly shippingMethods: readonly ShippingMethod[] | undefined;
  readonly taxBasisPoints: number;
}

type Report = (kind: Problem['kind'], message: string, blocking?: boolean) => void;

/** The quote if the line can be sold at it. */
function usable(cart: Cart, quote: VariantQuote | null | undefined, report: Report): VariantQuote | undefined {
  if (!quote) {
    report('UNKNOWN_SKU', 'this article is not sold any more');
    return undefined;
  }
  if (quote.price.currency !== cart.currency) {
    report('WRONG_CURRENCY', `sold in ${quote.price.currency}, the cart is in ${cart.currency}`);
    return undefined;
  }
  return quote;
}

function priceLine(cart: Cart, line: Line, quotes: Quotes | undefined, problems: Problem[]): PricedLine {
  const report: Report = (kind, message, blocking = true) => problems.push({ kind, sku: line.sku, message, blocking });
  if (line.quantity < 1 || line.quantity > QUANTITY_MAX)
    report('QUANTITY_INVALID', `must be from 1 to ${QUANTITY_MAX}`);
  const quote = quotes === undefined ? undefined : usable(cart, quotes.get(line.sku), report);
  if (quote === undefined) {
    const known = money(cart.currency, line.unitMinor ?? 0n);
    return { ...line, unitPrice: known, lineTotal: multiply(known, line.quantity), previousUnitPrice: undefined };
  }
  if (!quote.inStock) report('OUT_OF_STOCK', 'this article is out of stock');
  const { price: unitPrice, priceVersion, productId, productName, variantName, imageUrl } = quote;
  const changed = line.unitMinor !== undefined && line.unitMinor !== unitPrice.minor;
  if (changed) report('PRICE_CHANGED', 'the price has changed since this article was added', false);
  return {
    sku: line.sku,
    quantity: line.quantity,
    unitMinor: line.unitMinor,
    priceVersion,
    productId,
    productName,
    variantName,
    imageUrl,
    unitPrice,
    lineTotal: multiply(unitPrice, line.quantity),
    previousUnitPrice: changed ? money(cart.currency, line.unitMinor) : undefined,
  };
}

function priceShipping(cart: Cart, methods: readonly ShippingMethod[] | undefined, report: Report): Money {
  if (cart.shippingMethodId === undefined) return zero(cart.currency);
  if (methods === undefined) {
    report('PRICES_UNAVAILABLE', 'shipping prices are not available right now');
    return zero(cart.currency);
  }
  const country = cart.address?.country;
  const method = methods.find(
    ({ id, price, countries }) =>
      id === cart.shippingMethodId &&
      price.currency === cart.currency &&
      (country === undefined || countries.length === 0 || countries.includes(country)),
  );
  if (method === undefined) {
    report('SHIPPING_METHOD_INVALID', 'this shipping method is not offered for the country and currency of the cart');
    return zero(cart.currency);
  }
  return method.price;
}

/** Prices a cart. A cart that was ordered has nothing left to solve: its problems are not told. */
export function priceCart(cart: Cart, { quotes, shippingMethods, taxBasisPoints }: PriceList): PricedCart {
  const problems: Problem[] = [];
  const reportCart: Report = (kind, message, blocking = true) => problems.push({ kind, sku: '', message, blocking });
  if (quotes === undefined && cart.lines.length > 0) {
    reportCart('PRICES_UNAVAILABLE', 'prices are not available right now; these are the last known ones');
  }
  const lines = cart.lines.map((line) => priceLine(cart, line, quotes, problems));
  const shipping = priceShipping(cart, shippingMethods, reportCart);
  const subtotal = sum(
    lines.map((line) => line.lineTotal),
    cart.currency,
  );
  const taxes = [...lines.map((line) => line.lineTotal), shipping].map((gross) => containedTax(gross, taxBasisPoints));
  const totals = { subtotal, shipping, tax: sum(taxes, cart.currency), total: add(subtotal, shipping) };
  return { cart, lines, totals, problems: cart.orderId === undefined ? problems : [] };
}
