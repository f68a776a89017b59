// The catalog on one page: products, variants, categories and prices, and what a shopper may know of availability.
import { implement } from '@stoa/chassis/rpc/implement';
import { defineService } from '@stoa/chassis/service';
import { CatalogService } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { followStock } from './api/follow-stock.ts';
import { readHandlers } from './api/read-handlers.ts';
import { writeHandlers } from './api/write-handlers.ts';
import { config } from './config/config.ts';

export const catalog = defineService({
  name: 'catalog',
  config,
  migrations: new URL('../migrations/', import.meta.url),
  consumers: [followStock],
  rpc: (context) => [implement(CatalogService, { ...readHandlers(context), ...writeHandlers(context) })],
});
