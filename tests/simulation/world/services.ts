// The services of a world: the real definitions, with what may vary from world to world (batch sizes, timers).
import { cart } from '@stoa/cart';
import { catalog } from '@stoa/catalog';
import type { ConsumerDefinition } from '@stoa/chassis/events/consumer';
import type { AnyContext, AnyService } from '@stoa/chassis/host/build-service';
import type { SagaDefinition } from '@stoa/chassis/saga/define';
import { inventory } from '@stoa/inventory';
import { notifications } from '@stoa/notifications';
import { orders } from '@stoa/orders';
import { payments } from '@stoa/payments';
import { shipping } from '@stoa/shipping';
import type { SchemaSpec } from '../ports/store.ts';

/** All but identity and the bff, which hold no order and no money. */
export const SERVICES: readonly AnyService[] = [catalog, inventory, shipping, cart, payments, orders, notifications];

export function schemas(): SchemaSpec[] {
  return SERVICES.flatMap((service) => [
    { name: service.name, folder: service.migrations as URL, chassis: true },
    ...Object.entries(service.databases ?? {}).map(([name, folder]) => ({
      name,
      folder: folder as URL,
      chassis: false,
    })),
  ]);
}

export interface Tuning {
  readonly batchMax: number;
  /** Divides the sagas' timeouts. */
  readonly hurry: number;
}

/** The definition with other numbers in it; the code is the same. */
export function tuned(service: AnyService, { batchMax, hurry }: Tuning): AnyService {
  const consumers = (service.consumers ?? []) as readonly ConsumerDefinition<AnyContext>[];
  const sagas = (service.sagas ?? []) as readonly SagaDefinition<never>[];
  return {
    ...service,
    consumers: consumers.map((consumer) => ({ ...consumer, batchMax })),
    sagas: sagas.map((saga) => ({
      ...saga,
      steps: saga.steps.map((step) => ({ ...step, timeoutSeconds: Math.max(2, step.timeoutSeconds / hurry) })),
    })),
  };
}

/** The sagas' own timeouts by state, in seconds. */
export const SAGA_TIMEOUTS: ReadonlyMap<string, number> = new Map(
  SERVICES.flatMap(({ sagas }) =>
    ((sagas ?? []) as readonly SagaDefinition<never>[]).flatMap(({ steps }) =>
      steps.map(({ state, timeoutSeconds }) => [state, timeoutSeconds] as const),
    ),
  ),
);
