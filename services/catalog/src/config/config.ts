// What the catalog reads from the environment.
import { withDefault } from '@stoa/chassis/config';

export const config = {
  currency: withDefault('string', 'STOA_CATALOG_CURRENCY', 'EUR', {
    help: 'ISO 4217 code of the currency all prices are in; products in another one are refused',
  }),
};
