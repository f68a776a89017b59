// What the catalog's handlers and consumers get as their context.
import type { ConfigOf } from '@stoa/chassis/config';
import type { ServiceContext } from '@stoa/chassis/service';
import type { config } from './config/config.ts';

export type CatalogContext = ServiceContext<ConfigOf<typeof config>, undefined>;
