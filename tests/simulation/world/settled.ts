// Whether everything that was begun has come to its end: no saga runs, every event is numbered and applied by every
// consumer, no payment waits for the provider, no mail for its sending. What is missing is told.

import type { ConsumerDefinition } from '@stoa/chassis/events/consumer';
import type { Topic } from '@stoa/chassis/events/topic';
import type { AnyContext } from '@stoa/chassis/host/build-service';
import type { Store } from '../ports/store.ts';
import { SERVICES } from './services.ts';

interface Follower {
  readonly service: string;
  readonly name: string;
  readonly topic: string;
  readonly owner: string;
  /** What it has handlers for. */
  readonly types: readonly string[];
}

export const FOLLOWERS: readonly Follower[] = SERVICES.flatMap((service) =>
  ((service.consumers ?? []) as readonly ConsumerDefinition<AnyContext>[]).map(({ name, topic, on }) => ({
    service: service.name,
    name,
    topic: topic.name,
    owner: topic.owner,
    types: on.map(({ schema }) => schema.typeName),
  })),
);
export const PUBLISHERS: readonly { readonly service: string; readonly topics: readonly string[] }[] = SERVICES.flatMap(
  (service) => {
    const topics: readonly Topic[] = service.publishes ?? [];
    return topics.length === 0 ? [] : [{ service: service.name, topics: topics.map(({ name }) => name) }];
  },
);

const COUNTS = [
  ...PUBLISHERS.map(
    ({ service }) =>
      `select 'events of ${service} without a number' as what, count(*) as n from ${service}.outbox where pub_seq is null`,
  ),
  ...FOLLOWERS.map(
    ({ service, name, topic, owner }) => `
      select '${name} behind by' as what, coalesce((select seq from ${owner}.outbox_head where topic = '${topic}'), 0)
        - coalesce((select seq from ${service}.consumer_watermark where consumer = '${name}' and topic = '${topic}'), 0) as n`,
  ),
  `select 'sagas ' || string_agg(distinct state, ' ') as what, count(*) as n
    from orders.saga where state not in ('COMPLETED', 'COMPENSATED')`,
  `select 'orders pending' as what, count(*) as n from orders.orders where status = 'PENDING'`,
  `select 'calls owed to the provider' as what, count(*) as n from payments.payment_attempt where state = 'DUE'`,
  `select 'mails queued' as what, count(*) as n from notifications.notification where state = 'QUEUED'`,
  `select 'charges to appear' as what, count(*) as n from sandbox.charge where appears_at is not null
    and (state in ('PROCESSING', 'REQUIRES_ACTION') or (state = 'VOIDED' and token = 'tok_charge_after_void'))
    and not exists (select from sandbox.ledger where provider_key = authorize_key)`,
  `select 'payments to be looked at' as what, count(*) as n from payments.reconciliation_suspect`,
  `select 'findings open' as what, count(*) as n from payments.reconciliation_finding where resolved_at is null`,
  `select 'movements to be compared' as what, count(*) as n from sandbox.ledger where created_at >= (
    select coalesce(min(compared_until), '-infinity') from payments.reconciliation_progress)`,
  `select 'holds' as what, count(*) as n from inventory.reservation where state = 'HELD'`,
];

/** What is not settled, in words; empty when everything is. `without`: services whose process stays broken. */
export function unsettled(store: Store, without: ReadonlySet<string>): string[] {
  const { rows } = store.query('orders', `select what, n from (${COUNTS.join(' union all ')}) as c where n <> 0`);
  return rows
    .map(({ what, n }) => `${what}: ${n}`)
    .filter((text) => ![...without].some((service) => isAbout(text, service)));
}

const isAbout = (text: string, service: string) =>
  text.startsWith(`${service}.`) || (service === 'notifications' && text.startsWith('mails'));
