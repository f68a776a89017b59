// Every service, loaded: for what needs to know all of them.
import type { AnyService } from '@stoa/chassis/host/build-service';
import { loadServices, serviceNames } from './load-services.ts';

/** In the order in which a host starts them. */
export const SERVICES: readonly AnyService[] = await loadServices(serviceNames());

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
