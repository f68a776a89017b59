// What cart reads from the environment.
import { ConfigError, type ConfigOf, type ConfigSpec, withDefault } from '@stoa/chassis/config';
import { isCurrency } from '@stoa/proto/money';

export const config = {
  currencies: withDefault('string', 'STOA_CURRENCIES', 'EUR,USD,GBP', {
    help: 'ISO 4217 codes that carts may have, comma separated; the first one is the default',
  }),
  taxBasisPoints: withDefault('integer', 'STOA_TAX_BASIS_POINTS', 1900, {
    help: 'tax contained in every price, in basis points (1900 is 19 %)',
    min: 0,
    max: 10_000,
  }),
} satisfies ConfigSpec;

export type CartConfig = ConfigOf<typeof config>;

/** The offered currencies, the default one first; throws when one of them does not exist. */
export function readCurrencies(list: string): readonly [string, ...string[]] {
  const [first, ...others] = list.split(',').map((code) => code.trim());
  const wrong = [first ?? '', ...others].filter((code) => !isCurrency(code));
  if (first === undefined || wrong.length > 0) {
    throw new ConfigError(
      `STOA_CURRENCIES: not ISO 4217 codes: ${wrong.map((code) => JSON.stringify(code)).join(', ')}`,
    );
  }
  return [first, ...others];
}
