// A message that a real consumer cannot handle, from a real outbox over a real broker: seen, mended, tried again or
// dropped, while its aggregate's order is kept. The broker is this file's own: topics are named as in production.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalog } from '@stoa/catalog';
import { createBell } from '@stoa/chassis/bell';
import type { ConsumerDefinition } from '@stoa/chassis/events/consumer';
import { createInboxWorker } from '@stoa/chassis/events/inbox-worker';
import { connectNatsBus } from '@stoa/chassis/events/nats-bus';
import { readHeads, readWindow } from '@stoa/chassis/events/outbox';
import type { Producer } from '@stoa/chassis/events/producer';
import { createPublisher } from '@stoa/chassis/events/publisher';
import { NO_FAILPOINTS } from '@stoa/chassis/failpoint';
import type { AnyContext } from '@stoa/chassis/host/build-service';
import { createLoops } from '@stoa/chassis/host/loops';
import { createLog } from '@stoa/chassis/log';
import { createMetrics } from '@stoa/chassis/metrics';
import { sql } from '@stoa/chassis/postgres/sql';
import { type TestService, testService } from '@stoa/chassis/testing/test-service';
import { inventory } from '@stoa/inventory';
import { StockLevelChangedSchema } from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startNats } from '../../src/infrastructure/nats.ts';
import { listActions } from '../../src/operate/actions.ts';
import { awaitRedrive, drop, listParked, redrive, showParked } from '../../src/operate/parked/parked.ts';
import { republish } from '../../src/operate/republish.ts';
import { openData } from './operate-shop.ts';

const CONSUMER = 'catalog.availability';
const TOPIC = 'inventory.stock-events';
const maria = { by: 'maria', why: 'the cause is mended' };

async function openPipe() {
  const home = mkdtempSync(join(tmpdir(), 'stoa-operate-'));
  const nats = await startNats({ home, onProgress: () => {} });
  const silent = { postgresUrl: inject('postgresUrl'), logLevel: 'silent' } as const;
  const [producing, consuming] = await Promise.all([testService(inventory, silent), testService(catalog, silent)]);
  const urls = { ...producing.urls, ...consuming.urls };
  const data = openData(urls);
  const { runtime } = data;
  const log = createLog('silent');
  const bus = await connectNatsBus({ url: nats.url, name: 'operate', log, clock: runtime.clock });
  const sent: bigint[] = [];
  const listening = {
    ...bus,
    publish: (...args: Parameters<typeof bus.publish>) => {
      sent.push(...args[2].map(({ sequence }) => sequence));
      return bus.publish(...args);
    },
  };
  const loops = createLoops(runtime.clock, log);
  const bell = createBell(runtime.clock);
  const metrics = createMetrics({ processMetrics: false });
  const common = { instance: 'test', clock: runtime.clock, log, metrics, failpoints: NO_FAILPOINTS };
  const publisher = createPublisher({ ...common, bus: listening, db: producing.db, topics: [TOPIC], bell });
  const producer: Producer = {
    replay: async (name, after) => ({ epoch: 1, records: await readWindow(producing.db, name, after, 500) }),
    async sync(name) {
      const [head] = await readHeads(producing.db, [name]);
      return { epoch: 1, head: head?.seq ?? 0n, consistent: true };
    },
  };
  const [definition] = catalog.consumers as unknown as readonly ConsumerDefinition<AnyContext>[];
  const worker = createInboxWorker({
    ...common,
    definition: definition as ConsumerDefinition<AnyContext>,
    context: consuming.context,
    db: consuming.db,
    bus,
    producer,
  });
  loops.start('publisher', (signal) => publisher.run(signal));
  loops.start('consumer', (signal) => worker.run(signal));
  return {
    data,
    sent,
    consuming,
    /** Publishes a level, as inventory does. */
    tell: async (sku: string, version: bigint, available: bigint) => {
      const { context, db } = producing;
      await db.transact(async (tx) => {
        context.publish(tx, StockLevelChangedSchema, { sku, version, onHand: available, available });
      });
      bell.ring();
    },
    async stop() {
      await loops.stop();
      await bus.close();
      await data.close();
      await Promise.all([producing, consuming].map((service) => service.stop()));
      await nats.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Makes the catalogue unable to store a SKU; returns what mends it. */
async function poison({ urls }: TestService, sku: string) {
  const url = new URL(urls.catalog as string);
  url.username = `${url.username}_owner`;
  const owner = new pg.Client({ connectionString: url.href });
  await owner.connect();
  const name = `poison_${sku.toLowerCase()}`;
  await owner.query(`alter table sku_availability add constraint ${name} check (sku <> '${sku}')`);
  return async () => {
    await owner.query(`alter table sku_availability drop constraint ${name}`);
    await owner.end();
  };
}

let pipe: Awaited<ReturnType<typeof openPipe>>;
beforeAll(async () => {
  pipe = await openPipe();
});
afterAll(() => pipe.stop());

const levelOf = (sku: string) =>
  pipe.consuming.db.maybe(sql<{ version: bigint; available: bigint }>`
    select version, available from sku_availability where sku = ${sku}`);
const parkedOf = (sku: string) => listParked(pipe.data, { consumer: CONSUMER, aggregateId: sku });
const parkedCount = (sku: string, count: number) =>
  expect.poll(async () => (await parkedOf(sku)).length, { timeout: 20_000 }).toBe(count);

describe('a message that its consumer cannot handle', () => {
  it('is listed with what waits behind it, shown decoded, and tried again in order once mended', async () => {
    const mend = await poison(pipe.consuming, 'BAD');
    await pipe.tell('BAD', 1n, 5n);
    await pipe.tell('GOOD', 1n, 7n);
    await parkedCount('BAD', 1);
    await pipe.tell('BAD', 2n, 4n);
    await pipe.tell('BAD', 3n, 3n);
    await parkedCount('BAD', 3);
    expect(await levelOf('GOOD')).toMatchObject({ available: 7n });

    const [first, second] = await parkedOf('BAD');
    expect(first).toMatchObject({ service: 'catalog', consumer: CONSUMER, topic: TOPIC, behind: 2, waits: false });
    expect(first?.error).toContain('poison_bad');
    expect(first?.attempts).toBeGreaterThan(1);
    expect(second).toMatchObject({ behind: 1, waits: true, attempts: 0 });
    const sequence = first?.sequence as bigint;
    const shown = await showParked(pipe.data, CONSUMER, sequence);
    expect(shown.payload).toMatchObject({ sku: 'BAD', available: '5', version: '1' });
    expect(shown.headers).toMatchObject({ 'ce-type': 'stoa.inventory.v1.StockLevelChanged', 'ce-subject': 'BAD' });

    await redrive(pipe.data, { consumer: CONSUMER, sequence }, maria);
    const again = await awaitRedrive(pipe.data, CONSUMER, [sequence], 20);
    expect(again.failed).toMatchObject([{ sequence }]);

    await mend();
    await expect(
      redrive(pipe.data, { consumer: CONSUMER, sequence: second?.sequence as bigint }, maria),
    ).rejects.toThrow(/waits behind message/);
    await redrive(pipe.data, { consumer: CONSUMER, sequence }, maria);
    expect(await awaitRedrive(pipe.data, CONSUMER, [sequence], 20)).toMatchObject({ redriven: [sequence] });
    // What only waited follows by itself.
    await parkedCount('BAD', 0);
    expect(await levelOf('BAD')).toEqual({ version: 3n, available: 3n });
    expect((await listActions(pipe.data, 10)).map(({ action, by }) => [action, by])).toEqual([
      ['parked.redrive', 'maria'],
      ['parked.redrive', 'maria'],
    ]);
  });

  it('can be dropped, oldest first; what waited behind it goes on', async () => {
    const mend = await poison(pipe.consuming, 'WORSE');
    await pipe.tell('WORSE', 1n, 5n);
    await parkedCount('WORSE', 1);
    await pipe.tell('WORSE', 2n, 4n);
    await parkedCount('WORSE', 2);
    const [first, second] = (await parkedOf('WORSE')).map(({ sequence }) => sequence);
    await expect(drop(pipe.data, { consumer: CONSUMER, sequence: second as bigint }, maria)).rejects.toThrow(
      /waits behind message .* --aggregate WORSE/,
    );
    await mend();
    expect(await drop(pipe.data, { consumer: CONSUMER, sequence: first as bigint }, maria)).toEqual([first]);
    await parkedCount('WORSE', 0);
    expect(await levelOf('WORSE')).toEqual({ version: 2n, available: 4n });
    expect(await showParked(pipe.data, CONSUMER, first as bigint)).toMatchObject({ resolution: 'dropped' });
  });

  it('can be dropped with its whole aggregate', async () => {
    const mend = await poison(pipe.consuming, 'WORST');
    await pipe.tell('WORST', 1n, 5n);
    await parkedCount('WORST', 1);
    await pipe.tell('WORST', 2n, 4n);
    await parkedCount('WORST', 2);
    expect(await drop(pipe.data, { consumer: CONSUMER, aggregateId: 'WORST' }, maria)).toHaveLength(2);
    expect(await parkedOf('WORST')).toEqual([]);
    await mend();
    expect(await levelOf('WORST')).toBeUndefined();
    await expect(drop(pipe.data, { consumer: CONSUMER, aggregateId: 'WORST' }, maria)).rejects.toThrow(
      /no open parked/,
    );
  });
});

describe('a message of a type that the consumer’s release does not know', () => {
  it('stays parked when it is tried again, instead of being passed over', async () => {
    const type = 'stoa.inventory.v1.NotYetInvented';
    await pipe.consuming.db.run(sql`
      insert into parked_event (consumer, topic, seq, event_id, type, aggregate_id, aggregate_version, payload,
        traceparent, causation_id, occurred_at, error, attempts)
      values (${CONSUMER}, ${TOPIC}, 1000000, ${pipe.data.runtime.ids.uuid()}, ${type}, 'NEW', 1, ''::bytea, '', '', now(),
        'unknown message type', 0)`);
    // The worker learns of it with the next message of the aggregate, or when it takes its place again.
    const mend = await poison(pipe.consuming, 'TRIGGER');
    await pipe.tell('TRIGGER', 1n, 1n);
    await parkedCount('TRIGGER', 1);
    await mend();
    await redrive(pipe.data, { consumer: CONSUMER, sequence: 1_000_000n }, maria);
    const { failed } = await awaitRedrive(pipe.data, CONSUMER, [1_000_000n], 20);
    expect(failed).toMatchObject([{ error: `unknown message type ${type} on ${TOPIC}` }]);
    const shown = await showParked(pipe.data, CONSUMER, 1_000_000n);
    expect(shown).toMatchObject({ payload: undefined, resolvedAt: null });
    await drop(pipe.data, { consumer: CONSUMER, aggregateId: 'NEW' }, maria);
    await drop(pipe.data, { consumer: CONSUMER, aggregateId: 'TRIGGER' }, maria);
  });
});

describe('republishing', () => {
  it('sends a topic again from a number on, and consumers skip what they applied', async () => {
    await pipe.tell('AGAIN', 1n, 9n);
    await expect.poll(() => levelOf('AGAIN'), { timeout: 20_000 }).toMatchObject({ version: 1n });
    const before = pipe.sent.length;
    const done = await republish(pipe.data, TOPIC, 2n, maria, 30);
    expect(done).toMatchObject({ from: 2n, sent: true });
    const again = pipe.sent.slice(before);
    expect(again[0]).toBe(2n);
    expect(again.at(-1)).toBe(done.to);
    await pipe.tell('AGAIN', 2n, 8n);
    await expect.poll(() => levelOf('AGAIN'), { timeout: 20_000 }).toEqual({ version: 2n, available: 8n });
  });

  it('of numbers that do not exist is refused', async () => {
    await expect(republish(pipe.data, TOPIC, 1_000_000n, maria, 1)).rejects.toThrow(/there is nothing from/);
    await expect(republish(pipe.data, 'no.such-topic', 1n, maria, 1)).rejects.toThrow(/there is no topic/);
  });
});
