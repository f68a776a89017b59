import type { DescService } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type HandlerContext } from '@connectrpc/connect';
import { Health } from '@stoa/proto/grpc/health/v1/health_pb';
import { EventLogService } from '@stoa/proto/stoa/chassis/v1/event_log_pb';
import { IdentityService } from '@stoa/proto/stoa/identity/v1/identity_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { createMetrics } from '../../src/metrics.ts';
import { CommitUnknownError } from '../../src/postgres/database.ts';
import { callerOf, causeOf, relay, relayAsService } from '../../src/rpc/caller.ts';
import { createClients } from '../../src/rpc/clients.ts';
import { createDispatcher } from '../../src/rpc/dispatcher.ts';
import { reasonOf } from '../../src/rpc/errors.ts';
import { metricHooks } from '../../src/rpc/hooks.ts';
import { createInProcessTransport } from '../../src/rpc/in-process-transport.ts';
import { asTransport, countingRandom, manualClock, partly, serve, settle } from './rpc-fixture.ts';

const never = () => new Promise<never>(() => {});

async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

describe('deadlines', () => {
  it("are the contract's when the caller has none, and abort the handler's signal", async () => {
    let context: HandlerContext | undefined;
    const { client, clock } = serve(OrdersService, {
      getOrder(_: unknown, call: HandlerContext) {
        context = call;
        expect(call.signal.aborted).toBe(false);
        return never();
      },
    });
    const error = errorOf(client.getOrder({}));
    await settle();
    expect(context?.timeoutMs()).toBe(2000);
    await clock.advance(1990);
    expect(context?.signal.aborted).toBe(false);
    await clock.advance(15);
    expect((await error).code).toBe(Code.DeadlineExceeded);
    expect(context?.signal.aborted).toBe(true);
    expect(context?.timeoutMs()).toBe(0);
  });

  it("are the caller's when they are shorter, and the contract's when they are longer", async () => {
    const seen: (number | undefined)[] = [];
    const { client } = serve(OrdersService, {
      getOrder(_: unknown, call: HandlerContext) {
        seen.push(call.timeoutMs());
        return {};
      },
    });
    await client.getOrder({}, { timeoutMs: 100 });
    await client.getOrder({}, { timeoutMs: 60_000 });
    expect(seen).toEqual([100, 2000]);
  });

  it('that have passed keep the handler from running', async () => {
    let ran = false;
    const { client } = serve(OrdersService, { getOrder: () => (ran = true) });
    expect((await errorOf(client.getOrder({}, { timeoutMs: 0 }))).code).toBe(Code.DeadlineExceeded);
    expect(ran).toBe(false);
  });

  it('leave the answer of a late handler unheard, without an unhandled rejection', async () => {
    let fail: (error: Error) => void = () => {};
    const { client, clock, logged } = serve(OrdersService, {
      getOrder: () => new Promise((_, reject) => (fail = reject)),
    });
    const error = errorOf(client.getOrder({}));
    await settle();
    await clock.advance(2010);
    expect((await error).code).toBe(Code.DeadlineExceeded);
    fail(new Error('late'));
    await settle();
    expect(logged).toHaveLength(1);
  });
});

describe('cancellation', () => {
  it('reaches the handler and answers at once', async () => {
    let signal: AbortSignal | undefined;
    const { client } = serve(OrdersService, {
      getOrder(_: unknown, call: HandlerContext) {
        signal = call.signal;
        return never();
      },
    });
    const caller = new AbortController();
    const error = errorOf(client.getOrder({}, { signal: caller.signal }));
    await settle();
    caller.abort();
    expect((await error).code).toBe(Code.Canceled);
    expect(signal?.aborted).toBe(true);
  });
});

describe('idle', () => {
  const dispatcherOf = <S extends DescService>(service: S, handlers: object) => {
    const clock = manualClock();
    const dispatcher = createDispatcher({
      services: [partly(service, handlers)],
      authenticate: asTransport,
      hooks: {},
      clock,
      random: countingRandom(),
      log: createLog('silent'),
    });
    const client = createClient(service, createInProcessTransport(dispatcher, 'bff'));
    const told: string[] = [];
    return { dispatcher, client, clock, told, tell: (what: string) => () => void told.push(what) };
  };

  it('waits for the handler of a call that its caller has left', async () => {
    let finish = (_: object) => {};
    const getOrder = () => new Promise((resolve) => (finish = resolve));
    const { dispatcher, client, told, tell } = dispatcherOf(OrdersService, { getOrder });
    await dispatcher.idle(1000);
    const caller = new AbortController();
    const error = errorOf(client.getOrder({}, { signal: caller.signal }));
    await settle();
    caller.abort();
    await error;
    const idle = dispatcher.idle(1000).then(tell('idle'));
    await settle();
    expect(told).toEqual([]);
    finish({});
    await idle;
    expect(told).toEqual(['idle']);
  });

  it('waits for the end of a stream that its reader has left', async () => {
    let finish = () => {};
    const { dispatcher, client, told, tell } = dispatcherOf(Health, {
      async *watch() {
        try {
          yield {};
          yield {};
        } finally {
          await new Promise<void>((resolve) => (finish = resolve));
        }
      },
    });
    const caller = new AbortController();
    const answers = client.watch({}, { signal: caller.signal })[Symbol.asyncIterator]();
    await answers.next();
    caller.abort();
    await errorOf(answers.next());
    const idle = dispatcher.idle(1000).then(tell('idle'));
    await settle();
    expect(told).toEqual([]);
    finish();
    await idle;
    expect(told).toEqual(['idle']);
  });

  it('counts a handler once, however it ends', async () => {
    const { dispatcher, client, clock, told, tell } = dispatcherOf(OrdersService, {
      getOrder({ orderId }: { orderId: string }) {
        if (orderId === 'thrown') throw new Error('no');
        if (orderId === 'never') return never();
        return orderId === 'rejected' ? Promise.reject(new Error('no')) : {};
      },
    });
    for (const orderId of ['thrown', 'rejected']) await errorOf(client.getOrder({ orderId }));
    await client.getOrder({ orderId: 'answered' });
    await dispatcher.idle(1000);
    const last = errorOf(client.getOrder({ orderId: 'never' }, { timeoutMs: 100 }));
    await settle();
    const idle = dispatcher.idle(1000).then(tell('given up'));
    await clock.advance(999);
    expect(told).toEqual([]);
    await clock.advance(1);
    await Promise.all([idle, last]);
  });
});

describe('errors', () => {
  const failing = (thrown: unknown) =>
    serve(OrdersService, {
      getOrder() {
        throw thrown;
      },
    });

  it.each([
    ['an unknown commit', new CommitUnknownError('lost'), Code.Unavailable],
    ['a refused connection', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), Code.Unavailable],
    ['a broken pipe', Object.assign(new Error('write'), { code: 'EPIPE' }), Code.Unavailable],
    ['a database that shuts down', Object.assign(new Error('bye'), { code: '57P01' }), Code.Unavailable],
    ['a pool without connections', new Error('timeout exceeded when trying to connect'), Code.Unavailable],
    ['a lost race', Object.assign(new Error('serialize'), { code: '40001' }), Code.Aborted],
    ['a bug', new TypeError('secret detail'), Code.Internal],
    ['a bug in SQL', Object.assign(new Error('syntax'), { code: '42601' }), Code.Internal],
    ['not even an Error', 'text', Code.Internal],
  ])('%s', async (_, thrown, code) => {
    const { client, logged } = failing(thrown);
    const error = await errorOf(client.getOrder({}));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('secret');
    expect(logged).toHaveLength(1);
  });

  it('of bugs have a fixed text; the log has the cause and the trace', async () => {
    const { client, logged } = failing(new TypeError('secret detail'));
    const error = await errorOf(client.getOrder({}));
    expect(error.rawMessage).toBe('internal error');
    const line = JSON.parse(logged[0] as string);
    expect(line).toMatchObject({ method: '/stoa.orders.v1.OrdersService/GetOrder', err: { message: 'secret detail' } });
    expect(line.traceId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('that are refusals pass as they are and are not logged', async () => {
    const { client, logged } = failing(new ConnectError('no', Code.FailedPrecondition));
    expect((await errorOf(client.getOrder({}))).code).toBe(Code.FailedPrecondition);
    expect(logged).toEqual([]);
  });

  it('of a wrongly shaped answer are internal errors, not crashes', async () => {
    const { client } = serve(OrdersService, { getOrder: () => null });
    expect((await errorOf(client.getOrder({}))).code).toBe(Code.Internal);
  });

  it('of a method that nobody wrote are Unimplemented', async () => {
    const { client } = serve(OrdersService, {});
    expect((await errorOf(client.getOrder({}))).code).toBe(Code.Unimplemented);
  });
});

describe('the trace', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const echo = {
    getOrder(_: unknown, call: HandlerContext) {
      call.responseHeader.set('seen', causeOf(call).traceparent);
      return {};
    },
  };

  async function seen(headers: Record<string, string>): Promise<string> {
    let header: string | null = null;
    const { client } = serve(OrdersService, echo);
    await client.getOrder({}, { headers, onHeader: (headers) => (header = headers.get('seen')) });
    return String(header);
  }

  it("is the caller's, with a span of its own", async () => {
    const own = await seen({ traceparent });
    expect(own).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    expect(own).not.toBe(traceparent);
  });

  it('begins where there is none, or an unreadable one', async () => {
    expect(await seen({})).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(await seen({ traceparent: 'nonsense' })).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it("is a tracing library's when one is attached, and its span ends with the outcome", async () => {
    const ended: unknown[] = [];
    const span = { traceparent, run: <T>(body: () => T) => body(), end: (outcome: unknown) => ended.push(outcome) };
    const { client } = serve(OrdersService, echo, { hooks: { span: () => span } });
    let header: string | null = null;
    await client.getOrder({}, { onHeader: (headers) => (header = headers.get('seen')) });
    expect(header).toBe(traceparent);
    expect(ended).toEqual([0]);
  });
});

describe('what a handler knows of its caller', () => {
  it('is the service, the user and the token, and goes on with relay', async () => {
    const user = { id: 'u1', role: 'customer' } as const;
    let context: HandlerContext | undefined;
    const { client, clock } = serve(
      OrdersService,
      {
        getOrder(_: unknown, call: HandlerContext) {
          context = call;
          return never();
        },
      },
      { authenticate: () => ({ services: ['bff'], user, token: 'abc' }) },
    );
    void client.getOrder({}).catch(() => {});
    await settle();
    await clock.advance(500);
    const call = context as HandlerContext;
    expect(callerOf(call)).toMatchObject({ service: 'bff', user, token: 'abc' });
    expect(relay(call)).toMatchObject({
      timeoutMs: 1480,
      signal: call.signal,
      headers: { authorization: 'Bearer abc' },
    });
    expect(relayAsService(call).headers).toEqual({ traceparent: callerOf(call).traceparent });
  });
});

describe('rate limits', () => {
  it('refuse with a hint when the bucket is empty, and fill up again', async () => {
    const { client, clock } = serve(IdentityService, { register: () => ({}) });
    const headers = { 'x-stoa-client-address': '192.0.2.1' };
    for (let call = 0; call < 20; call += 1) await client.register({}, { headers });
    const error = await errorOf(client.register({}, { headers }));
    expect([error.code, reasonOf(error)]).toEqual([Code.ResourceExhausted, 'RATE_LIMITED']);
    await client.register({}, { headers: { 'x-stoa-client-address': '192.0.2.2' } });
    await clock.advance(200);
    await client.register({}, { headers });
    expect(reasonOf(await errorOf(client.register({}, { headers })))).toBe('RATE_LIMITED');
  });
});

describe('several owners of one contract', () => {
  it('are told apart by the name the client asked for', async () => {
    const clock = manualClock();
    const random = countingRandom();
    const log = (owner: string, head: bigint) => ({ ...partly(EventLogService, { sync: () => ({ head }) }), owner });
    const dispatcher = createDispatcher({
      services: [log('orders', 1n), log('catalog', 2n)],
      authenticate: asTransport,
      hooks: {},
      clock,
      random,
      log: createLog('silent'),
    });
    const transport = createInProcessTransport(dispatcher, 'cart');
    const client = createClients({ transportFor: () => transport, retries: 'app', clock, random });
    expect((await client(EventLogService, { of: 'orders' }).sync({})).head).toBe(1n);
    expect((await client(EventLogService, { of: 'catalog' }).sync({})).head).toBe(2n);
    const elsewhere = await errorOf(client(EventLogService, { of: 'payments' }).sync({}));
    expect(elsewhere.code).toBe(Code.Unimplemented);
  });

  it('must be named: the same contract twice is refused', () => {
    const options = { authenticate: asTransport, hooks: {}, clock: manualClock(), random: countingRandom() };
    const services = [partly(OrdersService, {}), partly(OrdersService, {})];
    expect(() => createDispatcher({ ...options, services, log: createLog('silent') })).toThrow('implemented twice');
  });
});

describe('metrics', () => {
  it('count calls by service, method and outcome', async () => {
    const metrics = createMetrics({ processMetrics: false });
    const { client } = serve(OrdersService, { getOrder: () => ({}) }, { hooks: metricHooks(metrics) });
    await client.getOrder({});
    await client.getOrder({});
    await errorOf(client.listOrders({}));
    const text = await metrics.text();
    const count = (method: string, code: string) =>
      `stoa_rpc_server_seconds_count{service="stoa.orders.v1.OrdersService",method="${method}",code="${code}"}`;
    expect(text).toContain(`${count('GetOrder', 'ok')} 2`);
    expect(text).toContain(`${count('ListOrders', 'unauthenticated')} 1`);
  });
});
