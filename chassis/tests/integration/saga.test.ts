// Sagas on a real database: a saga of two steps, the second of which is the pivot. Its messages are a service's; the
// chassis does not care.
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { Received } from '@stoa/chassis/events/envelope';
import { topic } from '@stoa/chassis/events/topic';
import { sql } from '@stoa/chassis/postgres/sql';
import { systemRuntime } from '@stoa/chassis/runtime';
import { defineSaga, refusal, type SagaDefinition, send } from '@stoa/chassis/saga/define';
import type { Transition } from '@stoa/chassis/saga/runner';
import { defineService, type ServiceContext } from '@stoa/chassis/service';
import { received, type TestService, testService } from '@stoa/chassis/testing/test-service';
import {
  CommitStockSchema,
  file_stoa_inventory_v1_commands,
  ReleaseStockSchema,
  ReserveStockSchema,
} from '@stoa/proto/stoa/inventory/v1/commands_pb';
import {
  StockCommittedSchema,
  StockReleasedSchema,
  StockReservationRefusedSchema,
  StockReservedSchema,
} from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

type Data = { readonly orderId: string };

const hold = (version: number): SagaDefinition<Data> =>
  defineSaga<Data>({
    name: 'hold',
    version,
    timeoutReason: (state) => `${state}_TIMED_OUT`,
    manualTaskAfterSeconds: 60,
    steps: [
      {
        state: 'HOLDING',
        command: ({ orderId }) => send(ReserveStockSchema, { orderId, holdSeconds: version }),
        success: StockReservedSchema,
        refusals: [refusal(StockReservationRefusedSchema, ({ reason }) => reason)],
        undo: { command: ({ orderId }) => send(ReleaseStockSchema, { orderId }), done: StockReleasedSchema },
        timeoutSeconds: 120,
        onTimeout: 'compensate',
      },
      {
        state: 'KEEPING',
        command: ({ orderId }) => send(CommitStockSchema, { orderId }),
        success: StockCommittedSchema,
        refusals: [],
        timeoutSeconds: 60,
        onTimeout: 'repeat',
        pivot: true,
      },
    ],
  });

const [first, second] = [hold(1), hold(2)];
const { uuid: newId } = systemRuntime().ids;

const define = (sagas: SagaDefinition<Data>[]) =>
  defineService({
    name: 'orders',
    config: {},
    migrations: new URL('./fixtures/migrations/', import.meta.url),
    publishes: [topic('orders.inventory-commands', file_stoa_inventory_v1_commands)],
    sagas,
  });

let service: TestService;
let context: ServiceContext;
beforeAll(async () => {
  service = await testService(define([first]), { postgresUrl: inject('postgresUrl'), logLevel: 'silent' });
  context = service.context;
});
afterAll(() => service.stop());

const sagas = () => context.saga(first);

async function start(...ids: string[]): Promise<string[]> {
  const starts = ids.map((sagaId) => ({ sagaId, data: { orderId: sagaId } }));
  await context.db.transact((tx) => sagas().start(tx, starts));
  return ids;
}

function replyOf<Desc extends DescMessage>(schema: Desc, orderId: string, eventId = newId()): Received<DescMessage> {
  const { message } = received(schema, { orderId, reason: 'NOTHING_LEFT' } as never);
  return {
    message: message as MessageShape<DescMessage>,
    eventId,
    sequence: 1n,
    aggregateId: orderId,
    aggregateVersion: 0n,
    occurredAt: new Date(0),
    cause: { traceparent: '', causationId: eventId },
  };
}

const advance = (...replies: Received<DescMessage>[]) => context.db.transact((tx) => sagas().advance(tx, replies));
const cancel = (id: string) => context.db.transact((tx) => sagas().cancel(tx, id, 'ASKED'));
const fire = (limit = 100) => context.db.transact((tx) => sagas().fireTimers(tx, limit));
const due = (...ids: string[]) =>
  context.db.run(sql`update saga set wake_at = now() where saga_id = any(${ids}::uuid[])`);

interface Row {
  state: string;
  version: number;
  reason: string;
  attempts: number;
  sleeps: boolean;
}
const stateOf = (id: string) =>
  context.db.one(sql<Row>`
    select state, version, reason, attempts, wake_at is not null as sleeps from saga where saga_id = ${id}`);
const sentTo = async (id: string) =>
  (await service.outbox())
    .filter(({ aggregateId }) => aggregateId === id)
    .map(({ type }) => type.slice(type.lastIndexOf('.') + 1));
const pathOf = async (id: string) => {
  const rows = await context.db.rows(sql<{ step: string }>`
    select version || ' ' || from_state || '>' || to_state as step from saga_transition
    where saga_id = ${id} order by version`);
  return rows.map(({ step }) => step);
};
const told = (moves: readonly Transition<Data>[]) => moves.map(({ sagaId, from, to }) => [sagaId, from, to]);

describe('a saga', () => {
  test('begins with its state, its timer and its first command, all or nothing', async () => {
    const [id = ''] = await start(newId());
    expect(await stateOf(id)).toEqual({ state: 'HOLDING', version: 1, reason: '', attempts: 1, sleeps: true });
    expect([await sentTo(id), await pathOf(id)]).toEqual([['ReserveStock'], ['1 >HOLDING']]);
    const lost = newId();
    const failing = context.db.transact(async (tx) => {
      await sagas().start(tx, [{ sagaId: lost, data: { orderId: lost } }]);
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect([await sentTo(lost), await pathOf(lost)]).toEqual([[], []]);
  });

  test('walks to its end by replies; each command is caused by the reply before it', async () => {
    const [id = ''] = await start(newId());
    const reserved = replyOf(StockReservedSchema, id);
    expect(told(await advance(reserved))).toEqual([[id, 'HOLDING', 'KEEPING']]);
    expect(told(await advance(replyOf(StockCommittedSchema, id)))).toEqual([[id, 'KEEPING', 'COMPLETED']]);
    expect(await stateOf(id)).toMatchObject({ state: 'COMPLETED', version: 3, sleeps: false });
    expect(await pathOf(id)).toEqual(['1 >HOLDING', '2 HOLDING>KEEPING', '3 KEEPING>COMPLETED']);
    const commit = (await service.outbox()).find(
      ({ type, aggregateId }) => aggregateId === id && type.endsWith('.CommitStock'),
    );
    expect(commit?.causationId).toBe(reserved.eventId);
  });

  test('walks back when it is refused, and keeps the reason', async () => {
    const [id = ''] = await start(newId());
    await advance(replyOf(StockReservationRefusedSchema, id));
    expect(await stateOf(id)).toMatchObject({ state: 'COMPENSATED', reason: 'NOTHING_LEFT', sleeps: false });
    expect(await sentTo(id)).toEqual(['ReserveStock']);
  });

  test('tells as metrics how it went, once it is committed', async () => {
    const seen = async () => {
      const lines = (await context.metrics.text()).split('\n');
      const of = (series: string) =>
        Number(lines.find((line) => line.startsWith(`stoa_${series} `))?.split(' ')[1] ?? 0);
      return [
        of('saga_started_total{saga="hold"}'),
        of('saga_ended_total{saga="hold",outcome="COMPLETED",reason=""}'),
        of('saga_ended_total{saga="hold",outcome="COMPENSATED",reason="NOTHING_LEFT"}'),
        of('saga_compensations_total{saga="hold",state="HOLDING",reason="NOTHING_LEFT"}'),
        of('saga_seconds_count{saga="hold",outcome="COMPLETED"}'),
      ];
    };
    const before = await seen();
    const [a = '', b = '', c = ''] = await start(newId(), newId(), newId());
    await advance(replyOf(StockReservedSchema, a), replyOf(StockReservationRefusedSchema, b));
    await advance(replyOf(StockCommittedSchema, a));
    const failing = context.db.transact(async (tx) => {
      await sagas().advance(tx, [replyOf(StockReservationRefusedSchema, c)]);
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect((await seen()).map((count, index) => count - (before[index] ?? 0))).toEqual([3, 1, 1, 1, 1]);
  });

  test('is told of a batch in its order; what nobody awaits and who is unknown is passed over', async () => {
    const [a = '', b = '', c = ''] = await start(newId(), newId(), newId());
    const moves = await advance(
      replyOf(StockReservedSchema, c),
      replyOf(StockReservedSchema, newId()),
      replyOf(StockCommittedSchema, b),
      replyOf(StockReservationRefusedSchema, a),
    );
    expect(told(moves)).toEqual([
      [c, 'HOLDING', 'KEEPING'],
      [a, 'HOLDING', 'COMPENSATED'],
    ]);
  });

  test('is moved once by a reply, however often it is delivered, also at the same time', async () => {
    const [id = ''] = await start(newId());
    const reply = replyOf(StockReservedSchema, id);
    await Promise.all([advance(reply), advance(reply), advance(replyOf(StockReservedSchema, id))]);
    expect([await sentTo(id), (await stateOf(id)).version]).toEqual([['ReserveStock', 'CommitStock'], 2]);
  });
});

describe('a cancellation', () => {
  test('turns it back once, before the pivot', async () => {
    const [id = ''] = await start(newId());
    expect(await cancel(id)).toMatchObject({ from: 'HOLDING', to: 'UNDOING_HOLDING', reason: 'ASKED' });
    expect(await cancel(id)).toBeUndefined();
    await advance(replyOf(StockReleasedSchema, id));
    expect(await stateOf(id)).toMatchObject({ state: 'COMPENSATED', reason: 'ASKED' });
    expect(await sentTo(id)).toEqual(['ReserveStock', 'ReleaseStock']);
  });

  test('comes too late from the pivot on, and finds nobody where there is no saga', async () => {
    const [id = ''] = await start(newId());
    await advance(replyOf(StockReservedSchema, id));
    expect(await cancel(id)).toBeUndefined();
    expect(await cancel(newId())).toBeUndefined();
    expect((await stateOf(id)).state).toBe('KEEPING');
  });
});

describe('timers', () => {
  test('fire when they are due, and once for all who look at the same time', async () => {
    const [early = '', late = ''] = await start(newId(), newId());
    await due(late);
    const fired = await Promise.all([fire(), fire(), fire()]);
    expect(fired.flatMap(({ moves }) => told(moves))).toEqual([[late, 'HOLDING', 'UNDOING_HOLDING']]);
    expect(await stateOf(late)).toMatchObject({ reason: 'HOLDING_TIMED_OUT', attempts: 1, sleeps: true });
    expect((await stateOf(early)).state).toBe('HOLDING');
  });

  test('send the command again where a step must not be given up, which is no move', async () => {
    const [id = ''] = await start(newId());
    await advance(replyOf(StockReservedSchema, id));
    await due(id);
    expect(await fire()).toEqual({ moves: [], hasMore: false });
    expect(await sentTo(id)).toEqual(['ReserveStock', 'CommitStock', 'CommitStock']);
    expect(await stateOf(id)).toMatchObject({ state: 'KEEPING', attempts: 2, version: 3, sleeps: true });
  });

  test('are fired so many at once, and it is said when there may be more', async () => {
    await due(...(await start(newId(), newId(), newId())));
    const [one, two] = [await fire(2), await fire(2)];
    expect([one.moves.length, one.hasMore, two.moves.length, two.hasMore]).toEqual([2, true, 1, false]);
  });

  test('leave alone whom a reply is moving at the moment', async () => {
    const [id = ''] = await start(newId());
    await due(id);
    await context.db.transact(async (tx) => {
      await sagas().advance(tx, [replyOf(StockReservedSchema, id)]);
      expect((await fire()).moves).toEqual([]);
    });
    expect((await stateOf(id)).state).toBe('KEEPING');
  });
});

describe('a saga that cannot be decided', () => {
  test('is put off, and the timers of the others fire', async () => {
    const [broken = '', sound = ''] = await start(newId(), newId());
    await context.db.run(sql`update saga set state = 'NO_SUCH_STATE' where saga_id = ${broken}`);
    await due(broken, sound);
    await expect(fire()).rejects.toThrow();
    const { moves } = await fire();
    expect(told(moves)).toEqual([[sound, 'HOLDING', 'UNDOING_HOLDING']]);
    expect(await stateOf(broken)).toMatchObject({ state: 'NO_SUCH_STATE', version: 1 });
    expect(await fire()).toEqual({ moves: [], hasMore: false });
  });

  test('because a newer version began it is left to that version', async () => {
    const [newer = '', sound = ''] = await start(newId(), newId());
    await context.db.run(sql`update saga set definition_version = 99 where saga_id = ${newer}`);
    await due(newer, sound);
    expect(told((await fire()).moves)).toEqual([[sound, 'HOLDING', 'UNDOING_HOLDING']]);
    expect(await stateOf(newer)).toMatchObject({ state: 'HOLDING', version: 1 });
  });
});

describe('a manual task', () => {
  const tasks = (id: string) =>
    context.db.rows(sql<{ kind: string; open: boolean }>`
      select kind, decided_at is null as open from manual_task where saga_id = ${id}`);
  const lasts = (id: string, seconds: number) =>
    context.db.run(sql`
      update saga set entered_at = now() - make_interval(secs => ${seconds}), wake_at = now() where saga_id = ${id}`);

  test('opens when a step has lasted too long, once, while the command goes on being sent', async () => {
    const [id = ''] = await start(newId());
    await advance(replyOf(StockReservedSchema, id));
    await lasts(id, 59);
    await fire();
    expect(await tasks(id)).toEqual([]);
    for (let time = 0; time < 3; time++) {
      await lasts(id, 61);
      await fire();
    }
    expect(await tasks(id)).toEqual([{ kind: 'KEEPING', open: true }]);
    expect((await sentTo(id)).filter((type) => type === 'CommitStock')).toHaveLength(5);
  });

  test('closes when its saga ends', async () => {
    const [id = ''] = await start(newId());
    await advance(replyOf(StockReservedSchema, id));
    await lasts(id, 61);
    await fire();
    await advance(replyOf(StockCommittedSchema, id));
    expect(await tasks(id)).toEqual([{ kind: 'KEEPING', open: false }]);
  });
});

describe('a new version', () => {
  test('is for new sagas; running ones keep the one they began with', async () => {
    const [old = ''] = await start(newId());
    const both = await testService(define([first, second]), { postgresUrl: inject('postgresUrl'), logLevel: 'silent' });
    try {
      const runner = both.context.saga(second);
      const id = newId();
      await both.context.db.transact((tx) => runner.start(tx, [{ sagaId: id, data: { orderId: id } }]));
      const [asked] = await both.published(ReserveStockSchema);
      expect(asked?.holdSeconds).toBe(2);
      // One of the first version, moved by a process that knows both.
      await context.db.transact((tx) => runner.cancel(tx, old, 'ASKED'));
      expect((await stateOf(old)).state).toBe('UNDOING_HOLDING');
    } finally {
      await both.stop();
    }
  });

  test('must not make the old one disappear while it runs', async () => {
    const [id = ''] = await start(newId());
    const newer = await testService(define([second]), { postgresUrl: inject('postgresUrl'), logLevel: 'silent' });
    try {
      const runner = newer.context.saga(second);
      const moving = context.db.transact((tx) => runner.advance(tx, [replyOf(StockReservedSchema, id)]));
      await expect(moving).rejects.toThrow('version 1 is not declared any more');
    } finally {
      await newer.stop();
    }
  });
});
