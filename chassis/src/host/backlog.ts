// What waits in a service's database, as gauges: events for the broker and for consumers, parked messages, sagas. Read
// from the tables and not from the loops' own state, so that it is true also while a loop, a lease or a consumer is gone.
// Every replica tells the same; take the maximum.
import type { Metrics } from '../metrics.ts';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import type { JobDefinition } from '../service.ts';
import type { AnyContext, AnyService } from './build-service.ts';

const EVERY_MS = 15_000;
/** A timer that is overdue by this is nobody's: the job that fires timers does not run, or fails. */
const OVERDUE_SECONDS = 60;

/** The job that measures; none where there are no tables. */
export function backlogJobs(definition: AnyService): JobDefinition<AnyContext>[] {
  if (definition.migrations === undefined) return [];
  const consumers = (definition.consumers ?? []).map(({ name }: { name: string }) => name);
  const sagas = [...new Set((definition.sagas ?? []).map(({ name }: { name: string }) => name))];
  return [
    {
      name: 'chassis:backlog',
      everyMs: EVERY_MS,
      async run({ db, metrics }) {
        if ((definition.publishes ?? []).length > 0) await measureOutbox(db, metrics);
        if (consumers.length > 0) await measureParked(db, metrics, consumers);
        if (consumers.length > 0) await measureHanded(db, metrics, consumers);
        if (sagas.length > 0) await measureSagas(db, metrics, sagas);
        return false;
      },
    },
  ];
}

/** Ages are those of the oldest event that waits: 0 when none does. */
export async function measureOutbox(db: Queryable, metrics: Metrics): Promise<void> {
  const topics = await db.rows(sql<{ topic: string; seconds: number }>`
    select h.topic, coalesce(extract(epoch from clock_timestamp() - least(
      (select created_at from outbox o where o.topic = h.topic and o.pub_seq > h.published order by o.pub_seq limit 1),
      (select created_at from outbox o where o.topic = h.topic and o.pub_seq is null order by o.id limit 1)
    )), 0)::float8 as seconds
    from outbox_head h`);
  for (const { topic, seconds } of topics) {
    metrics.gauge('outbox_oldest_seconds', 'Age of the oldest event that the broker has not stored', seconds, {
      topic,
    });
  }
  const consumers = await db.rows(sql<{ topic: string; consumer: string; lag: bigint; seconds: number }>`
    select p.topic, p.consumer, greatest(h.seq - p.seq, 0) as lag, coalesce(extract(epoch from clock_timestamp() -
      (select created_at from outbox o where o.topic = p.topic and o.pub_seq > p.seq order by o.pub_seq limit 1)
    ), 0)::float8 as seconds
    from consumer_progress p join outbox_head h using (topic)`);
  for (const { topic, consumer, lag, seconds } of consumers) {
    const labels = { topic, consumer };
    metrics.gauge('outbox_consumer_lag', 'Events that a consumer has not reported as applied', Number(lag), labels);
    metrics.gauge('outbox_consumer_age_seconds', 'Age of the oldest event that a consumer has not', seconds, labels);
  }
}

export async function measureParked(db: Queryable, metrics: Metrics, consumers: readonly string[]): Promise<void> {
  const rows = await db.rows(sql<{ consumer: string; count: bigint }>`
    select consumer, count(*) as count from parked_event where resolved_at is null group by consumer`);
  const found = new Map(rows.map(({ consumer, count }) => [consumer, Number(count)]));
  for (const consumer of consumers) {
    const help = 'Messages that are parked now, with those that wait behind them';
    metrics.gauge('inbox_parked_open', help, found.get(consumer) ?? 0, { consumer });
  }
}

export async function measureHanded(db: Queryable, metrics: Metrics, consumers: readonly string[]): Promise<void> {
  const rows = await db.rows(sql<{ consumer: string; count: bigint }>`
    select consumer, count(*) as count from handed_event group by consumer`);
  const found = new Map(rows.map(({ consumer, count }) => [consumer, Number(count)]));
  for (const consumer of consumers) {
    const help = 'Messages that were handed to a canary and are not applied yet';
    metrics.gauge('canary_handed_open', help, found.get(consumer) ?? 0, { consumer });
  }
}

/** Those that wait, in time, for somebody outside may be as old as they are. Stuck: it asks for a person, or its timer is due and nobody acts. */
export async function measureSagas(db: Queryable, metrics: Metrics, sagas: readonly string[]): Promise<void> {
  const rows = await db.rows(sql<{ name: string; open: bigint; stuck: bigint; seconds: number }>`
    select s.name, count(*) as open,
      count(*) filter (where s.wake_at < now() - make_interval(secs => ${OVERDUE_SECONDS}) or exists (
        select from manual_task t where t.saga_id = s.saga_id and t.decided_at is null)) as stuck,
      coalesce(extract(epoch from clock_timestamp() - min(started.at)
        filter (where not (s.extended and s.wake_at > now()))), 0)::float8 as seconds
    from saga s join saga_transition started on started.saga_id = s.saga_id and started.version = 1
    where s.wake_at is not null group by s.name`);
  const found = new Map(rows.map((row) => [row.name, row]));
  for (const saga of sagas) {
    const { open = 0n, stuck = 0n, seconds = 0 } = found.get(saga) ?? {};
    metrics.gauge('saga_open', 'Sagas that have not ended', Number(open), { saga });
    metrics.gauge('saga_stuck', 'Sagas that ask for a person or that nobody moves', Number(stuck), { saga });
    metrics.gauge('saga_oldest_seconds', 'Age of the oldest saga that has not ended and may not wait', seconds, {
      saga,
    });
  }
}
