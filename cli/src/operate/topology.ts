// What the services declare, as an operator asks for it: who consumes what, which types travel, which sagas exist.
import type { ConsumerDefinition } from '@stoa/chassis/events/consumer';
import type { Topic } from '@stoa/chassis/events/topic';
import type { AnyService } from '@stoa/chassis/host/build-service';
import type { Json, SagaDefinition } from '@stoa/chassis/saga/define';
import { SERVICES } from '../services.ts';

export interface Consumer {
  readonly name: string;
  readonly service: string;
  readonly topic: Topic;
}

const stored = SERVICES.filter(({ migrations }: AnyService) => migrations !== undefined);

/** Databases that have the chassis' tables. */
export const SERVICE_DATABASES: readonly string[] = stored.map(({ name }) => name);

export const CONSUMERS: readonly Consumer[] = SERVICES.flatMap((service) =>
  ((service.consumers ?? []) as readonly ConsumerDefinition<unknown>[]).map(({ name, topic }) => ({
    name,
    service: service.name,
    topic,
  })),
);

export const TOPICS: readonly Topic[] = SERVICES.flatMap((service) => service.publishes ?? []);

/** Sagas with the service that owns them; of several versions the last. */
export const SAGAS: readonly { readonly service: string; readonly definition: SagaDefinition<Json> }[] =
  SERVICES.flatMap((service) =>
    ((service.sagas ?? []) as unknown as readonly SagaDefinition<Json>[]).map((definition) => ({
      service: service.name,
      definition,
    })),
  );

/** Databases of services that own sagas. */
export const SAGA_DATABASES: readonly string[] = [...new Set(SAGAS.map(({ service }) => service))];

/** Throws for a name that no service declares, with those that are declared. */
export function consumerNamed(name: string): Consumer {
  const found = CONSUMERS.find((consumer) => consumer.name === name);
  if (found !== undefined) return found;
  throw new Error(`there is no consumer "${name}"; there are ${CONSUMERS.map((c) => c.name).join(', ')}`);
}

export function topicNamed(name: string): Topic {
  const found = TOPICS.find((topic) => topic.name === name);
  if (found !== undefined) return found;
  throw new Error(`there is no topic "${name}"; there are ${TOPICS.map((t) => t.name).join(', ')}`);
}
