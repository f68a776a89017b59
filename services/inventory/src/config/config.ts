// What inventory reads from its environment. How long a hold lasts is not here: it comes with each command.
import { type ConfigSpec, withDefault } from '@stoa/chassis/config';

export const config = {
  expireChunk: withDefault('integer', 'INVENTORY_EXPIRE_CHUNK', 500, {
    help: 'holds that one transaction of the job expire-holds releases at most',
    min: 1,
    max: 5000,
  }),
} satisfies ConfigSpec;
