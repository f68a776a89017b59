// Postal addresses, on carts.
import type { Address } from '@stoa/proto/stoa/common/v1/address_pb';
import { builder } from './builder.ts';

export const AddressRef = builder.objectRef<Address>('Address').implement({
  fields: (t) => ({
    name: t.exposeString('name'),
    line1: t.exposeString('line1'),
    line2: t.exposeString('line2'),
    city: t.exposeString('city'),
    postalCode: t.exposeString('postalCode'),
    country: t.exposeString('country', { description: 'ISO 3166-1 alpha-2.' }),
  }),
});

export const AddressInput = builder.inputType('AddressInput', {
  fields: (t) => ({
    name: t.string({ required: true }),
    line1: t.string({ required: true }),
    line2: t.string(),
    city: t.string({ required: true }),
    postalCode: t.string({ required: true }),
    country: t.string({ required: true, description: 'ISO 3166-1 alpha-2, for example "DE".' }),
  }),
});

/** The message of an address input. */
export function readAddress(input: typeof AddressInput.$inferInput) {
  return { ...input, line2: input.line2 ?? '' };
}
