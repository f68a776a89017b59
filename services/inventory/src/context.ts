// What inventory's handlers, consumers and jobs may reach.
import type { ConfigOf } from '@stoa/chassis/config';
import type { ServiceContext } from '@stoa/chassis/service';
import type { config } from './config/config.ts';

export type InventoryContext = ServiceContext<ConfigOf<typeof config>, undefined>;
