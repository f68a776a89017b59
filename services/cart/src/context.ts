// What cart's handlers, consumers and jobs may reach.
import type { ServiceContext } from '@stoa/chassis/service';
import type { CartConfig } from './config/config.ts';
import type { CartStore } from './infrastructure/cart-store.ts';
import type { AskQuotes } from './infrastructure/catalog-quotes.ts';
import type { AskShippingMethods } from './infrastructure/shipping-methods.ts';

export interface CartDeps {
  /** Offered currencies; the first one is the default. */
  readonly currencies: readonly [string, ...string[]];
  readonly carts: CartStore;
  readonly askQuotes: AskQuotes;
  readonly askShippingMethods: AskShippingMethods;
}

export type CartContext = ServiceContext<CartConfig, CartDeps>;
