// The one place for money arithmetic: pure functions over `{ currency, minor }`, which every Money message is.
// Amounts are integers of the currency's minor unit, never floats. Two currencies never mix: they throw.
// Rounding happens here alone and is half up by magnitude (0.5 goes away from zero), so that the negative of an
// amount has the negative of its tax, and a refund takes back exactly what was charged.
// Amounts are unbounded here; the int64 of the wire and of the database refuses what does not fit.
import { create } from '@bufbuild/protobuf';
import { type Money as MoneyMessage, MoneySchema } from './gen/stoa/common/v1/money_pb.ts';

export interface Money {
  /** ISO 4217, upper case. */
  readonly currency: string;
  /** Integer minor units: cents for EUR, yen for JPY, fils for KWD. */
  readonly minor: bigint;
}

/** 100 % in basis points. */
const WHOLE = 10_000n;

// ISO 4217 as of amendment 177, without funds and precious metals. Intl is no source: it lists withdrawn currencies,
// and its digits follow CLDR's cash habits (IQD 0 instead of 3).
const CURRENCIES = new Set(
  (
    'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY ' +
    'COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF ' +
    'IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA ' +
    'MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON ' +
    'RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS ' +
    'UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG'
  ).split(' '),
);
const WITHOUT_MINOR_UNIT = new Set('BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF'.split(' '));
const WITH_THOUSANDTHS = new Set('BHD IQD JOD KWD LYD OMR TND'.split(' '));

/** Whether it is a code of a currency in use, in upper case. */
export function isCurrency(code: string): boolean {
  return CURRENCIES.has(code);
}

/** Decimal places of the minor unit: JPY 0, EUR 2, KWD 3. Throws for an unknown code. */
export function currencyExponent(currency: string): number {
  if (!isCurrency(currency)) throw new RangeError(`not a currency: ${JSON.stringify(currency)}`);
  if (WITHOUT_MINOR_UNIT.has(currency)) return 0;
  return WITH_THOUSANDTHS.has(currency) ? 3 : 2;
}

export function money(currency: string, minor: bigint): Money {
  return { currency, minor };
}

export function zero(currency: string): Money {
  return { currency, minor: 0n };
}

/** The protobuf message, where one is needed by itself; inside another message's init a plain amount will do. */
export function toMoney(amount: Money): MoneyMessage {
  return create(MoneySchema, { currency: amount.currency, minor: amount.minor });
}

function sameCurrency(a: Money, b: Money): void {
  if (a.currency !== b.currency) throw new TypeError(`${a.currency} and ${b.currency} do not mix`);
}

export function add(a: Money, b: Money): Money {
  sameCurrency(a, b);
  return { currency: a.currency, minor: a.minor + b.minor };
}

export function subtract(a: Money, b: Money): Money {
  sameCurrency(a, b);
  return { currency: a.currency, minor: a.minor - b.minor };
}

export function negate(amount: Money): Money {
  return { currency: amount.currency, minor: -amount.minor };
}

/** Times an integer quantity; a fraction throws. */
export function multiply(amount: Money, quantity: number | bigint): Money {
  return { currency: amount.currency, minor: amount.minor * BigInt(quantity) };
}

/** The sum in `currency`, zero for none. */
export function sum(amounts: Iterable<Money>, currency: string): Money {
  let total = zero(currency);
  for (const amount of amounts) total = add(total, amount);
  return total;
}

/** Negative, zero or positive, as `Array.prototype.sort` wants it. */
export function compare(a: Money, b: Money): -1 | 0 | 1 {
  sameCurrency(a, b);
  if (a.minor === b.minor) return 0;
  return a.minor < b.minor ? -1 : 1;
}

/** Same currency and same amount; different currencies are unequal and do not throw. */
export function equals(a: Money, b: Money): boolean {
  return a.currency === b.currency && a.minor === b.minor;
}

export function isZero(amount: Money): boolean {
  return amount.minor === 0n;
}

export function isNegative(amount: Money): boolean {
  return amount.minor < 0n;
}

/** `numerator / denominator` rounded half up by magnitude; the denominator is positive. */
function divideHalfUp(numerator: bigint, denominator: bigint): bigint {
  const magnitude = numerator < 0n ? -numerator : numerator;
  const rounded = (2n * magnitude + denominator) / (2n * denominator);
  return numerator < 0n ? -rounded : rounded;
}

function rate(basisPoints: number): bigint {
  if (!Number.isSafeInteger(basisPoints) || basisPoints < 0) {
    throw new RangeError(`not a rate in basis points: ${basisPoints}`);
  }
  return BigInt(basisPoints);
}

/** `basisPoints` of the amount (1900 = 19 %), rounded half up. */
export function percentage(amount: Money, basisPoints: number): Money {
  return { currency: amount.currency, minor: divideHalfUp(amount.minor * rate(basisPoints), WHOLE) };
}

/** The tax that a gross amount contains at `basisPoints` (1900 = 19 %), rounded half up: net = gross - tax. */
export function containedTax(gross: Money, basisPoints: number): Money {
  const points = rate(basisPoints);
  return { currency: gross.currency, minor: divideHalfUp(gross.minor * points, WHOLE + points) };
}

/**
 * Splits an amount in proportion to the weights without losing a unit: largest remainder, and among equal remainders
 * the earlier share. Weights are integers from 0 up, at least one above 0.
 */
export function allocate(amount: Money, weights: readonly (number | bigint)[]): Money[] {
  const parts = weights.map(BigInt);
  const whole = parts.reduce((total, part) => total + part, 0n);
  if (whole <= 0n || parts.some((part) => part < 0n)) {
    throw new RangeError('weights must be 0 or more, and at least one above 0');
  }
  const magnitude = amount.minor < 0n ? -amount.minor : amount.minor;
  const shares = parts.map((part) => (magnitude * part) / whole);
  const left = Number(magnitude - shares.reduce((total, share) => total + share, 0n));
  const byRemainder = parts
    .map((part, index) => ({ index, remainder: (magnitude * part) % whole }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder < b.remainder ? 1 : -1));
  for (const { index } of byRemainder.slice(0, left)) shares[index] = (shares[index] as bigint) + 1n;
  const sign = amount.minor < 0n ? -1n : 1n;
  return shares.map((share) => ({ currency: amount.currency, minor: sign * share }));
}

/** The amount in major units with a point: "12.34", "-0.05", "500" for JPY. `parseMoney` reads it back. */
export function toDecimal(amount: Money): string {
  const exponent = currencyExponent(amount.currency);
  const digits = (amount.minor < 0n ? -amount.minor : amount.minor).toString().padStart(exponent + 1, '0');
  const split = digits.length - exponent;
  const text = exponent === 0 ? digits : `${digits.slice(0, split)}.${digits.slice(split)}`;
  return amount.minor < 0n ? `-${text}` : text;
}

/** Reads "12.34", "12" or "-0.5" exactly; more decimals than the currency has, or anything else, throws. */
export function parseMoney(text: string, currency: string): Money {
  const exponent = currencyExponent(currency);
  const match = /^(-?)(\d{1,30})(?:\.(\d{1,4}))?$/.exec(text);
  if (match === null) throw new RangeError(`not an amount: ${JSON.stringify(text)}`);
  const [, sign = '', major = '', fraction = ''] = match;
  if (fraction.length > exponent) throw new RangeError(`${currency} has ${exponent} decimals: ${text}`);
  const minor = BigInt(major + fraction.padEnd(exponent, '0'));
  return { currency, minor: sign === '-' ? -minor : minor };
}

/** Formatters are costly to build; their number is bounded because a locale may come from a request. */
const formatters = new Map<string, Intl.NumberFormat>();
const FORMATTERS_MAX = 200;

/** As people read it: formatMoney(…, 'de-DE') is "12,34 €". Exact for any size. A malformed locale throws. */
export function formatMoney(amount: Money, locale: string): string {
  const key = `${locale} ${amount.currency}`;
  let formatter = formatters.get(key);
  if (formatter === undefined) {
    const digits = currencyExponent(amount.currency);
    formatter = new Intl.NumberFormat(locale, {
      style: 'currency',
      currency: amount.currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    if (formatters.size >= FORMATTERS_MAX) formatters.clear();
    formatters.set(key, formatter);
  }
  // A decimal string is formatted without passing through a float.
  return formatter.format(toDecimal(amount) as Intl.StringNumericLiteral);
}
