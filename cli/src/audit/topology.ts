// Who publishes what to whom, read from the services' own declarations: a consumer that somebody adds is audited
// without anybody telling the audit.
import { SERVICES } from '../services.ts';

export interface TopicPlace {
  readonly topic: string;
  /** The database whose outbox it is numbered in. */
  readonly database: string;
  /** Never deleted from. */
  readonly isEventStore: boolean;
}

export interface Subscription {
  readonly consumer: string;
  readonly topic: string;
  /** Where the watermark is. */
  readonly database: string;
  /** Where the topic's head is. */
  readonly producer: string;
}

/** Databases with an outbox and an inbox. */
export const SERVICE_DATABASES: readonly string[] = SERVICES.filter(({ migrations }) => migrations !== undefined).map(
  ({ name }) => name,
);

export const TOPICS: readonly TopicPlace[] = SERVICES.flatMap(({ name, publishes = [], eventStores = [] }) =>
  publishes.map((topic) => ({ topic: topic.name, database: name, isEventStore: eventStores.includes(topic) })),
);

export const SUBSCRIPTIONS: readonly Subscription[] = SERVICES.flatMap(({ name, consumers = [] }) =>
  consumers.map(({ name: consumer, topic }) => ({
    consumer,
    topic: topic.name,
    database: name,
    producer: topic.owner,
  })),
);
