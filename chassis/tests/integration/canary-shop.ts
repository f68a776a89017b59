// A producer in this process, and versions of its consumer in processes of their own, over the real broker and databases.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { CanaryRow } from '@stoa/chassis/events/lane';
import { streamOf } from '@stoa/chassis/events/nats-wire';
import { createPublish } from '@stoa/chassis/events/publish';
import { topic } from '@stoa/chassis/events/topic';
import { startHost } from '@stoa/chassis/host/host';
import { createLog } from '@stoa/chassis/log';
import { sql } from '@stoa/chassis/postgres/sql';
import { createCredentialKeys, signServiceCredential } from '@stoa/chassis/rpc/credentials';
import { systemRuntime } from '@stoa/chassis/runtime';
import { defineService } from '@stoa/chassis/service';
import { createTestDatabases } from '@stoa/chassis/testing/test-database';
import { file_stoa_shipping_v1_events, ShipmentRefusedSchema } from '@stoa/proto/stoa/shipping/v1/events_pb';
import { inject } from 'vitest';

const runtime = systemRuntime();
const log = createLog('silent');
const CONSUMER = fileURLToPath(new URL('./fixtures/canary-consumer.ts', import.meta.url));
const shipments = topic('shipping.events', file_stoa_shipping_v1_events);

export interface AppliedRow {
  readonly sku: string;
  readonly version: bigint;
  readonly by: string;
  readonly pin: string;
}

export async function openCanaryShop() {
  const databases = await createTestDatabases({
    adminUrl: inject('postgresUrl'),
    runtime,
    log,
    databases: {
      shipping: { folder: undefined, chassis: true },
      orders: { folder: new URL('./fixtures/canary/', import.meta.url), chassis: true },
    },
  });
  const nats = await connect({ servers: inject('natsUrl') });
  const { streams } = await jetstreamManager(nats);
  for (const name of [shipments.name, 'orders.inventory-commands'])
    await streams.delete(streamOf(name)).catch(() => {});
  const keys = await createCredentialKeys();
  const envOf = async (name: string) => ({
    STOA_LISTEN_HOST: '127.0.0.1',
    STOA_GRPC_PORT: '0',
    STOA_ADMIN_PORT: '0',
    STOA_NATS_URL: inject('natsUrl'),
    STOA_TRUST_KEY: keys.trustKey,
    STOA_SERVICE_CREDENTIAL: await signServiceCredential(keys.signingKey, [name]),
    [`STOA_DATABASE_URL_${name.toUpperCase()}`]: databases.urls[name] ?? '',
  });
  const shipping = defineService({
    name: 'shipping',
    config: {},
    migrations: new URL('./fixtures/migrations/', import.meta.url),
    publishes: [shipments],
  });
  const producer = await startHost({ services: [shipping], env: await envOf('shipping'), log });
  const out = databases.open('shipping');
  const orders = databases.open('orders');
  const publish = createPublish(runtime.ids);
  const children = new Set<ChildProcess>();
  const versions = new Map<string, bigint>();
  let written = 0;

  return {
    orders,
    written: () => written,
    /** The next version of each SKU, in one transaction. */
    async change(skus: readonly string[], canary = '') {
      await out.transact(async (tx) => {
        for (const sku of skus) {
          const version = (versions.get(sku) ?? 0n) + 1n;
          versions.set(sku, version);
          publish(tx, ShipmentRefusedSchema, { orderId: sku, version, reason: 'NONE' }, { traceparent: '', canary });
        }
      });
      written += skus.length;
    },
    /** Starts a version of the consumer. */
    async run(version: string, env: Record<string, string> = {}) {
      const own = { ...(await envOf('orders')), STOA_VERSION: version, STOA_INSTANCE: version };
      const peers = { STOA_PEERS: `shipping=127.0.0.1:${producer.grpcPort}` };
      const child = fork(CONSUMER, {
        env: { ...process.env, ...own, ...peers, ...env },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      children.add(child);
      const ended = once(child, 'exit').then(() => void children.delete(child));
      await once(child, 'message');
      return {
        ended,
        async end(signal: NodeJS.Signals) {
          child.kill(signal);
          await ended;
        },
      };
    },
    /** What the rollout writes. */
    async rollout(version: string, percent: number, state: CanaryRow['state'] = 'running') {
      await orders.run(sql`
        insert into canary (version, percent, state) values (${version}, ${percent}, ${state})
        on conflict (only_one) do update
        set version = excluded.version, percent = excluded.percent, state = excluded.state, changed_at = now()`);
    },
    applied: () => orders.rows(sql<AppliedRow>`select sku, version, by, pin from applied order by position`),
    async count(table: 'applied' | 'handed_event' | 'parked_event') {
      const text = {
        applied: sql<{ n: bigint }>`select count(*) as n from applied`,
        handed_event: sql<{ n: bigint }>`select count(*) as n from handed_event`,
        parked_event: sql<{ n: bigint }>`select count(*) as n from parked_event where resolved_at is null`,
      };
      return Number((await orders.one(text[table])).n);
    },
    async close() {
      for (const child of children) child.kill('SIGKILL');
      await producer.stop();
      await nats.close();
      await databases.drop();
    },
  };
}

export type CanaryShop = Awaited<ReturnType<typeof openCanaryShop>>;
