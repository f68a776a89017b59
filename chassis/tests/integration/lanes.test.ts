// What a process tells while the database takes its version for a canary, as it does with every pod of a version that was
// promoted behind its back: nobody is stable then, so nobody else would tell that everything waits.
import { topic } from '@stoa/chassis/events/topic';
import { startHost } from '@stoa/chassis/host/host';
import { createLog } from '@stoa/chassis/log';
import { sql } from '@stoa/chassis/postgres/sql';
import { createCredentialKeys, signServiceCredential } from '@stoa/chassis/rpc/credentials';
import { systemRuntime } from '@stoa/chassis/runtime';
import { defineService } from '@stoa/chassis/service';
import { createTestDatabases } from '@stoa/chassis/testing/test-database';
import { file_stoa_shipping_v1_events } from '@stoa/proto/stoa/shipping/v1/events_pb';
import { afterEach, expect, inject, test } from 'vitest';

const patience = { timeout: 30_000, interval: 100 };
const log = createLog('silent');
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const shipping = defineService({
  name: 'shipping',
  config: {},
  migrations: new URL('./fixtures/migrations/', import.meta.url),
  publishes: [topic('shipping.events', file_stoa_shipping_v1_events)],
});

test('a canary tells what waits and that it is not stable; promoted, it is', async () => {
  const databases = await createTestDatabases({
    adminUrl: inject('postgresUrl'),
    runtime: systemRuntime(),
    log,
    databases: { shipping: { folder: undefined, chassis: true } },
  });
  ends.push(() => databases.drop());
  const db = databases.open('shipping');
  await db.run(sql`insert into canary (version, percent, state) values ('v2', 100, 'running')`);
  await db.run(sql`
    insert into outbox_head (topic, timeline, seq, published) values ('gone.events', 1, 0, 0)`);
  await db.run(sql`
    insert into outbox (event_id, topic, type, aggregate_id, payload, traceparent, created_at)
    values (gen_random_uuid(), 'gone.events', 't', '1', '', '', now() - interval '15 minutes')`);

  const keys = await createCredentialKeys();
  const host = await startHost({
    services: [shipping],
    env: {
      STOA_LISTEN_HOST: '127.0.0.1',
      STOA_GRPC_PORT: '0',
      STOA_ADMIN_PORT: '0',
      STOA_VERSION: 'v2',
      STOA_NATS_URL: inject('natsUrl'),
      STOA_TRUST_KEY: keys.trustKey,
      STOA_SERVICE_CREDENTIAL: await signServiceCredential(keys.signingKey, ['shipping']),
      STOA_DATABASE_URL_SHIPPING: databases.urls.shipping ?? '',
    },
    log,
  });
  ends.push(() => host.stop());
  const metrics = async () => (await fetch(`http://127.0.0.1:${host.adminPort}/metrics`)).text();
  const lanes = async () =>
    [...(await metrics()).matchAll(/^stoa_service_lane\{service="shipping",lane="(\w+)".*\} 1$/gm)].map(
      ([, lane]) => lane,
    );
  await expect.poll(lanes, patience).toEqual(['canary']);
  await expect.poll(metrics, patience).toMatch(/^stoa_outbox_oldest_seconds\{topic="gone.events".*\} 9\d\d/m);

  await db.run(sql`update canary set state = 'promoted'`);
  await expect.poll(lanes, patience).toEqual(['stable']);
});
