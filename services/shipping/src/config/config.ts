// What shipping reads from its environment: nothing. Methods and prices are data.
import type { ConfigSpec } from '@stoa/chassis/config';

export const config = {} satisfies ConfigSpec;
