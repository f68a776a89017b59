// Money as storefronts get it: exact integer minor units as a string (JSON numbers and GraphQL's Int would lose
// digits), the currency, and a text to show. Nothing here computes with amounts.
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Checks } from '@stoa/chassis/rpc/validate';
import { formatMoney, isCurrency } from '@stoa/proto/money';
import type { Money, MoneySchema } from '@stoa/proto/stoa/common/v1/money_pb';
import { builder } from './builder.ts';

/** Of `formatted`; a storefront in another language formats `minor` itself. */
const LOCALE = 'en';

/** For people, for example "€12.50" or "¥1,200". A currency that is not known shows its code. */
export function formatted(money: Money): string {
  return isCurrency(money.currency) ? formatMoney(money, LOCALE) : `${money.minor} ${money.currency}`.trim();
}

export const MoneyRef = builder.objectRef<Money>('Money').implement({
  description: 'An amount of money. The server does all arithmetic.',
  fields: (t) => ({
    minor: t.string({
      description: 'Integer minor units (cents for EUR, yen for JPY), as text.',
      resolve: (money) => money.minor.toString(),
    }),
    currency: t.exposeString('currency', { description: 'ISO 4217 code.' }),
    formatted: t.string({ description: 'For people, for example "€12.50".', resolve: formatted }),
  }),
});

export const MoneyInput = builder.inputType('MoneyInput', {
  description: 'An amount of money as an input.',
  fields: (t) => ({
    minor: t.string({ required: true, description: 'Integer minor units, as text.' }),
    currency: t.string({ required: true, description: 'ISO 4217 code.' }),
  }),
});

const INT64_MAX = 2n ** 63n - 1n;

/** An int64 from text, or undefined when the text is none. */
export function parseMinor(text: string): bigint | undefined {
  if (!/^-?\d{1,19}$/.test(text)) return undefined;
  const minor = BigInt(text);
  return minor > INT64_MAX || minor < -INT64_MAX ? undefined : minor;
}

/** Reads a MoneyInput; records a violation when its amount is no integer. */
export function readMoney(
  checks: Checks,
  field: string,
  input: typeof MoneyInput.$inferInput,
): MessageInitShape<typeof MoneySchema> {
  const minor = parseMinor(input.minor);
  checks.require(minor !== undefined, `${field}.minor`, 'must be an integer of minor units');
  return { currency: input.currency, minor: minor ?? 0n };
}
