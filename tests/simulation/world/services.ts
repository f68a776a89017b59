// The services of a world: the real definitions, with what may vary from world to world (batch sizes, timers).
import { cart } from '@stoa/cart';
import { catalog } from '@stoa/catalog';
import type { ConsumerDefinition } from '@stoa/chassis/events/consumer';
import type { AnyContext, AnyService } from '@stoa/chassis/host/build-service';
import { sql } from '@stoa/chassis/postgres/sql';
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

/** Notes in the transaction of each handler what it was handed: it is there if, and as often as, the effects are. */
function watched(consumer: ConsumerDefinition<AnyContext>): ConsumerDefinition<AnyContext> {
  const note = (batch: readonly { readonly sequence: bigint; readonly aggregateId: string }[]) => sql`
    insert into watched.handled (consumer, seq, aggregate)
    select ${consumer.name}, seq, aggregate from unnest(${batch.map(({ sequence }) => sequence)}::bigint[],
      ${batch.map(({ aggregateId }) => aggregateId)}::text[]) as b (seq, aggregate)`;
  return {
    ...consumer,
    on: consumer.on.map(({ schema, handle }) => ({
      schema,
      async handle(tx, batch, context) {
        await tx.run(note(batch));
        await handle(tx, batch, context);
      },
    })),
  };
}

/** The definition with other numbers in it, and watched; the code is the same. */
export function tuned(service: AnyService, { batchMax, hurry }: Tuning): AnyService {
  const consumers = (service.consumers ?? []) as readonly ConsumerDefinition<AnyContext>[];
  const sagas = (service.sagas ?? []) as readonly SagaDefinition<never>[];
  return {
    ...service,
    consumers: consumers.map((consumer) => ({ ...watched(consumer), batchMax })),
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
