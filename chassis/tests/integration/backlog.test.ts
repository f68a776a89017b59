// What waits, as gauges: from the tables, whoever works on them.
import { measureHanded, measureOutbox, measureParked, measureSagas } from '@stoa/chassis/host/backlog';
import { createMetrics } from '@stoa/chassis/metrics';
import { sql } from '@stoa/chassis/postgres/sql';
import { defineService } from '@stoa/chassis/service';
import { type TestService, testService } from '@stoa/chassis/testing/test-service';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

const definition = defineService({
  name: 'orders',
  config: {},
  migrations: new URL('./fixtures/migrations/', import.meta.url),
});

let service: TestService;
beforeAll(async () => {
  service = await testService(definition, { postgresUrl: inject('postgresUrl'), logLevel: 'silent' });
});
afterAll(() => service.stop());

type Measure = (db: TestService['db'], metrics: ReturnType<typeof createMetrics>) => Promise<void>;

/** Values by series, ages cut to tens of seconds. */
async function measured(measure: Measure): Promise<Record<string, number>> {
  const metrics = createMetrics({ processMetrics: false });
  await measure(service.db, metrics);
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('stoa_'));
  return Object.fromEntries(
    lines.map((line) => {
      const [, series = '', value] = /^stoa_(.*) (\S+)$/.exec(line) ?? [];
      return [series, series.includes('seconds') ? Math.floor(Number(value) / 10) * 10 : Number(value)];
    }),
  );
}

test('events that the broker, and events that a consumer, has not', async () => {
  await service.db.run(sql`
    insert into outbox_head (topic, timeline, seq, published) values ('a', 1, 3, 1), ('b', 1, 0, 0), ('c', 1, 1, 1)`);
  await service.db.run(sql`
    insert into outbox (event_id, topic, type, aggregate_id, payload, traceparent, created_at, pub_seq)
    select gen_random_uuid(), topic, 't', '1', '', '', now() - make_interval(secs => age), seq
    from (values ('a', 905, 1), ('a', 605, 2), ('a', 305, 3), ('b', 125, null), ('c', 65, 1)) as v (topic, age, seq)`);
  await service.db.run(sql`
    insert into consumer_progress (consumer, topic, epoch, seq) values ('x', 'a', 1, 0), ('y', 'a', 1, 2), ('x', 'c', 1, 1)`);
  expect(await measured(measureOutbox)).toEqual({
    'outbox_oldest_seconds{topic="a"}': 600,
    'outbox_oldest_seconds{topic="b"}': 120,
    'outbox_oldest_seconds{topic="c"}': 0,
    'outbox_consumer_lag{topic="a",consumer="x"}': 3,
    'outbox_consumer_lag{topic="a",consumer="y"}': 1,
    'outbox_consumer_lag{topic="c",consumer="x"}': 0,
    'outbox_consumer_age_seconds{topic="a",consumer="x"}': 900,
    'outbox_consumer_age_seconds{topic="a",consumer="y"}': 300,
    'outbox_consumer_age_seconds{topic="c",consumer="x"}': 0,
  });
});

test('parked messages, by every consumer of the service', async () => {
  await service.db.run(sql`
    insert into parked_event (consumer, topic, seq, event_id, type, aggregate_id, aggregate_version, payload, traceparent,
      causation_id, occurred_at, error, attempts, resolved_at)
    select 'x', 'a', seq, gen_random_uuid(), 't', '1', 1, '', '', '', now(), 'e', 1, resolved
    from (values (1, null), (2, null), (3, now())) as v (seq, resolved)`);
  expect(await measured((db, metrics) => measureParked(db, metrics, ['x', 'y']))).toEqual({
    'inbox_parked_open{consumer="x"}': 2,
    'inbox_parked_open{consumer="y"}': 0,
  });
});

test('messages that wait for a canary, by every consumer of the service', async () => {
  await service.db.run(sql`
    insert into handed_event (consumer, topic, seq, event_id, type, aggregate_id, aggregate_version, payload, traceparent,
      causation_id, canary, occurred_at)
    select 'x', topic, seq, gen_random_uuid(), 't', '1', 1, '', '', '', '', now()
    from (values ('a', 1), ('a', 2), ('b', 1)) as v (topic, seq)`);
  expect(await measured((db, metrics) => measureHanded(db, metrics, ['x', 'y']))).toEqual({
    'canary_handed_open{consumer="x"}': 3,
    'canary_handed_open{consumer="y"}': 0,
  });
});

test('sagas that have not ended, and those that are stuck', async () => {
  const sagas = [
    ['00000000-0000-7000-8000-000000000001', 905, 30],
    ['00000000-0000-7000-8000-000000000002', 305, -90],
    ['00000000-0000-7000-8000-000000000003', 205, 30],
    ['00000000-0000-7000-8000-000000000004', 9005, null],
    // Waits for somebody outside, in time.
    ['00000000-0000-7000-8000-000000000005', 5005, 30],
  ] as const;
  for (const [id, age, wake] of sagas) {
    await service.db.run(sql`
      insert into saga (saga_id, name, definition_version, state, version, data, wake_at)
      values (${id}, 'checkout', 1, 'S', 1, '{}', now() + make_interval(secs => ${wake}::float8))`);
    await service.db.run(sql`
      insert into saga_transition (saga_id, version, from_state, to_state, trigger_id, at)
      values (${id}, 1, '', 'S', 'start', now() - make_interval(secs => ${age}::float8))`);
  }
  await service.db.run(sql`update saga set extended = true where saga_id = ${sagas[4][0]}`);
  await service.db.run(sql`
    insert into manual_task (id, saga_id, kind, context) values (gen_random_uuid(), ${sagas[2][0]}, 'S', '{}')`);
  expect(await measured((db, metrics) => measureSagas(db, metrics, ['checkout', 'return']))).toEqual({
    'saga_open{saga="checkout"}': 4,
    'saga_open{saga="return"}': 0,
    'saga_stuck{saga="checkout"}': 2,
    'saga_stuck{saga="return"}': 0,
    'saga_oldest_seconds{saga="checkout"}': 900,
    'saga_oldest_seconds{saga="return"}': 0,
  });
});
