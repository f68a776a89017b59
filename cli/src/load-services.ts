// Where each service is, without loading any of them: a process loads those that it hosts and nothing else.
import type { AnyService } from '@stoa/chassis/host/build-service';

/** In the order in which a host starts them. */
const LOADERS: Readonly<Record<string, () => Promise<AnyService>>> = {
  identity: async () => (await import('@stoa/identity')).identity,
  catalog: async () => (await import('@stoa/catalog')).catalog,
  inventory: async () => (await import('@stoa/inventory')).inventory,
  shipping: async () => (await import('@stoa/shipping')).shipping,
  cart: async () => (await import('@stoa/cart')).cart,
  payments: async () => (await import('@stoa/payments')).payments,
  orders: async () => (await import('@stoa/orders')).orders,
  notifications: async () => (await import('@stoa/notifications')).notifications,
  bff: async () => (await import('@stoa/bff')).bff,
};

export const serviceNames = (): string[] => Object.keys(LOADERS);

/** The services of these names; throws for a name that is none. */
export function loadServices(names: readonly string[]): Promise<AnyService[]> {
  return Promise.all(
    names.map((name) => {
      const load = LOADERS[name];
      if (load === undefined) throw new Error(`there is no service "${name}"; there are ${serviceNames().join(', ')}`);
      return load();
    }),
  );
}
