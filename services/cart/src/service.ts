// Carts of guests and customers, priced by the server. See README.md.
import { implement } from '@stoa/chassis/rpc/implement';
import { defineService } from '@stoa/chassis/service';
import { CartService } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { CatalogService } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { ShippingService } from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import { abandonedCarts } from './api/abandoned-carts.ts';
import { followOrders } from './api/follow-orders.ts';
import { cartHandlers } from './api/handlers.ts';
import { config, readCurrencies } from './config/config.ts';
import type { CartDeps } from './context.ts';
import { createCartStore } from './infrastructure/cart-store.ts';
import { createQuotes } from './infrastructure/catalog-quotes.ts';
import { createShippingMethods } from './infrastructure/shipping-methods.ts';

export const cart = defineService({
  name: 'cart',
  config,
  migrations: new URL('../migrations/', import.meta.url),
  consumers: [followOrders],
  jobs: [abandonedCarts],
  setup: (context): CartDeps => ({
    currencies: readCurrencies(context.config.currencies),
    carts: createCartStore(context.db, context.clock),
    askQuotes: createQuotes(context.client(CatalogService), context),
    askShippingMethods: createShippingMethods(context.client(ShippingService), context.clock, context),
  }),
  rpc: (context) => [implement(CartService, cartHandlers(context))],
});
