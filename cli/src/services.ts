// The one place that knows every service.
import { bff } from '@stoa/bff';
import { cart } from '@stoa/cart';
import { catalog } from '@stoa/catalog';
import type { AnyService } from '@stoa/chassis/host/build-service';
import { identity } from '@stoa/identity';
import { inventory } from '@stoa/inventory';
import { notifications } from '@stoa/notifications';
import { orders } from '@stoa/orders';
import { payments } from '@stoa/payments';
import { shipping } from '@stoa/shipping';

/** In the order in which a host starts them. */
export const SERVICES: readonly AnyService[] = [
  identity,
  catalog,
  inventory,
  shipping,
  cart,
  payments,
  orders,
  notifications,
  bff,
];

/** The services of these names; throws for a name that is none. */
export function servicesNamed(names: readonly string[]): AnyService[] {
  return names.map((name) => {
    const found = SERVICES.find((service) => service.name === name);
    if (found === undefined) throw new Error(`there is no service "${name}"; there are ${serviceNames().join(', ')}`);
    return found;
  });
}

export const serviceNames = (): string[] => SERVICES.map(({ name }) => name);

export interface DatabaseSpec {
  readonly name: string;
  readonly migrations: URL;
  /** Whether the chassis' own tables (outbox, inbox, sagas) belong into it. */
  readonly chassis: boolean;
}

/** Every database of every service. */
export function databaseSpecs(): DatabaseSpec[] {
  return SERVICES.flatMap((service) => {
    const own =
      service.migrations === undefined ? [] : [{ name: service.name, migrations: service.migrations, chassis: true }];
    const further = Object.entries(service.databases ?? {}) as [string, URL][];
    return [...own, ...further.map(([name, migrations]) => ({ name, migrations, chassis: false }))];
  });
}
