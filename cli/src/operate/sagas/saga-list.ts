// Sagas that have not ended, by state and by how long they have been in it: the query that finds what is stuck. Only a
// saga that has ended has no timer, and those with one are indexed: the query does not read the finished ones.
import { sql } from '@stoa/chassis/postgres/sql';
import type { ShopData } from '../shop-data.ts';
import { SAGA_DATABASES } from '../topology.ts';

const NUMBERED_BY = 'orders';

export interface SagaGroup {
  readonly saga: string;
  readonly state: string;
  readonly count: number;
  /** Of those: how many wait, in time, for somebody outside, such as a customer at the bank. They are not stuck. */
  readonly waiting: number;
  readonly overMinute: number;
  readonly overTenMinutes: number;
  readonly oldestSeconds: number;
  readonly openTasks: number;
}

export interface SagaEntry {
  readonly service: string;
  readonly saga: string;
  readonly sagaId: string;
  /** The order's number; empty where the saga is not an order's. */
  readonly number: string;
  readonly state: string;
  readonly reason: string;
  readonly attempts: number;
  readonly inStateSeconds: number;
  /** When it acts by itself again. */
  readonly wakeAt: Date | null;
  readonly hasTask: boolean;
}

export interface SagaFilter {
  readonly state?: string;
  /** In their state for at least so long; then without those that wait, in time, for somebody outside. */
  readonly olderSeconds: number;
  readonly limit: number;
}

export interface SagaList {
  readonly groups: SagaGroup[];
  /** Oldest first. */
  readonly sagas: SagaEntry[];
}

export async function listSagas(data: ShopData, filter: SagaFilter): Promise<SagaList> {
  const found = await Promise.all(
    SAGA_DATABASES.filter((name) => data.has(name)).map(async (service) => ({
      groups: await readGroups(data, service, filter),
      sagas: await readSagas(data, service, filter),
    })),
  );
  return { groups: found.flatMap(({ groups }) => groups), sagas: found.flatMap(({ sagas }) => sagas) };
}

async function readGroups(data: ShopData, service: string, { state = null }: SagaFilter | { state: null }) {
  return data.at(service).rows(sql<SagaGroup>`
    select s.name as saga, s.state, count(*)::int as count, count(*) filter (where waits)::int as waiting,
      count(*) filter (where not waits and s.entered_at < now() - interval '1 minute')::int as "overMinute",
      count(*) filter (where not waits and s.entered_at < now() - interval '10 minutes')::int as "overTenMinutes",
      extract(epoch from now() - min(s.entered_at))::float8 as "oldestSeconds",
      count(*) filter (where exists (
        select from manual_task t where t.saga_id = s.saga_id and t.decided_at is null))::int as "openTasks"
    from saga s, lateral (select s.extended and s.wake_at > now() as waits) w
    where s.wake_at is not null and (${state}::text is null or s.state = ${state}::text)
    group by s.name, s.state order by min(s.entered_at)`);
}

async function readSagas(data: ShopData, service: string, filter: SagaFilter): Promise<SagaEntry[]> {
  const { state = null, olderSeconds, limit } = filter;
  const db = data.at(service);
  const rows = await db.rows(sql<Omit<SagaEntry, 'service' | 'number'>>`
    select s.name as saga, s.saga_id as "sagaId", s.state, s.reason, s.attempts,
      extract(epoch from now() - s.entered_at)::float8 as "inStateSeconds", s.wake_at as "wakeAt",
      exists (select from manual_task t where t.saga_id = s.saga_id and t.decided_at is null) as "hasTask"
    from saga s
    where s.wake_at is not null and (${state}::text is null or s.state = ${state}::text)
      and s.entered_at <= now() - make_interval(secs => ${olderSeconds})
      and not (s.extended and s.wake_at > now() and ${olderSeconds}::float8 > 0)
    order by s.entered_at limit ${limit}`);
  const numbers = new Map<string, string>();
  if (service === NUMBERED_BY && rows.length > 0) {
    const known = await db.rows(sql<{ id: string; number: string }>`
      select id, number from orders where id = any(${rows.map(({ sagaId }) => sagaId)}::uuid[])`);
    for (const { id, number } of known) numbers.set(id, number);
  }
  return rows.map((row) => ({ ...row, service, number: numbers.get(row.sagaId) ?? '' }));
}
