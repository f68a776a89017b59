// The same handlers over real sockets and in process: callers must not be able to tell which it is.
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { CatalogService, type GetVariantsRequest } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { EventLogService } from '@stoa/proto/stoa/chassis/v1/event_log_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { afterEach, describe, expect, it } from 'vitest';
import { callerOf, relay } from '../../src/rpc/caller.ts';
import { failedPrecondition, invalidArgument, reasonOf, violationsOf } from '../../src/rpc/errors.ts';
import { type Reached, reach, WAYS } from './rpc-fixture.ts';

const open: Reached<never>[] = [];
afterEach(async () => {
  for (const reached of open.splice(0)) await reached.close();
});

describe.each(WAYS)('a call %s', (way) => {
  const serve: typeof reach = async (...args) => {
    const reached = await reach(...args);
    open.push(reached as Reached<never>);
    return reached;
  };
  const catalog = async (getVariants: (request: GetVariantsRequest, call: HandlerContext) => unknown) =>
    (await serve(way, CatalogService, { getVariants })).client;
  const errorOf = async (call: Promise<unknown>): Promise<ConnectError> => {
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ConnectError);
    return error as ConnectError;
  };

  it('takes an initialiser and answers a whole message', async () => {
    const client = await catalog(({ skus }) => ({
      variants: skus.map((sku) => ({ sku, price: { minor: 5n } })),
    }));
    const { variants } = await client.getVariants({ skus: ['a', 'b'] });
    expect(variants.map(({ sku, options, price }) => [sku, options, price?.minor, price?.currency])).toEqual([
      ['a', [], 5n, ''],
      ['b', [], 5n, ''],
    ]);
  });

  it('carries bytes as Uint8Arrays', async () => {
    const records = [{ payload: new Uint8Array([1, 2, 255]) }];
    const { client } = await serve(way, EventLogService, { replay: () => ({ records }) }, 'cart');
    expect((await client.replay({})).records[0]?.payload).toStrictEqual(new Uint8Array([1, 2, 255]));
  });

  it('carries headers there and headers and trailers back', async () => {
    const client = await catalog((_, call) => {
      call.responseHeader.set('x-answer', String(call.requestHeader.get('x-question')));
      call.responseTrailer.set('x-after', 'end');
      return {};
    });
    let header: Headers | undefined;
    let trailer: Headers | undefined;
    const keep = { onHeader: (got: Headers) => (header = got), onTrailer: (got: Headers) => (trailer = got) };
    await client.getVariants({}, { headers: { 'x-question': '6 x 7' }, ...keep });
    expect([header?.get('x-answer'), trailer?.get('x-after')]).toEqual(['6 x 7', 'end']);
  });

  it('tells the handler who calls', async () => {
    let caller = '';
    const client = await catalog((_, call) => {
      caller = callerOf(call).service;
      return {};
    });
    await client.getVariants({});
    expect(caller).toBe('bff');
  });

  it('carries a refusal with its reason and metadata', async () => {
    const client = await catalog(() => {
      throw failedPrecondition('OUT_OF_STOCK', 'nur noch 3 Stück – 100 % verkauft', { sku: 'a' });
    });
    const error = await errorOf(client.getVariants({}));
    expect([error.code, error.rawMessage, reasonOf(error)]).toEqual([
      Code.FailedPrecondition,
      'nur noch 3 Stück – 100 % verkauft',
      'OUT_OF_STOCK',
    ]);
  });

  it('carries the fields at fault', async () => {
    const violations = [
      { field: 'skus', description: 'must have 1 to 200 items' },
      { field: 'skus[1]', description: 'is odd' },
    ];
    const client = await catalog(() => {
      throw invalidArgument(violations);
    });
    const error = await errorOf(client.getVariants({}));
    expect([error.code, reasonOf(error)]).toEqual([Code.InvalidArgument, 'INVALID_ARGUMENT']);
    expect(violationsOf(error)).toMatchObject(violations);
  });

  it('survives text that cannot be encoded', async () => {
    const client = await catalog(() => {
      throw failedPrecondition('BROKEN', 'broken \ud800 text');
    });
    expect((await errorOf(client.getVariants({}))).code).toBe(Code.FailedPrecondition);
  });

  it('fails, and nothing else does, when the handler sets a header that cannot be sent', async () => {
    const client = await catalog((_, call) => {
      call.responseHeader.set('x-text', 'Stück');
      return {};
    });
    // In process there is nothing that cannot be sent.
    if (way === 'grpc') expect((await errorOf(client.getVariants({}))).code).toBe(Code.Internal);
  });

  it('hides what a bug threw', async () => {
    const client = await catalog(() => {
      throw new TypeError('secret detail');
    });
    const error = await errorOf(client.getVariants({}));
    expect([error.code, error.rawMessage]).toEqual([Code.Internal, 'internal error']);
  });

  it('is refused when the contract does not list the caller', async () => {
    const { client } = await serve(way, OrdersService, { getOrder: () => ({}) }, 'cart');
    const error = await errorOf(client.getOrder({}));
    expect([error.code, reasonOf(error)]).toEqual([Code.PermissionDenied, 'CALLER_NOT_ALLOWED']);
  });

  it('is refused with a bad token even where none is needed', async () => {
    const client = await catalog(() => ({}));
    const error = await errorOf(client.getVariants({}, { headers: { authorization: 'Bearer nonsense' } }));
    expect([error.code, reasonOf(error)]).toEqual([Code.Unauthenticated, 'TOKEN_INVALID']);
  });

  it('needs a signed-in user where the contract says so', async () => {
    const { client } = await serve(way, OrdersService, {});
    const error = await errorOf(client.listOrders({}));
    expect([error.code, reasonOf(error)]).toEqual([Code.Unauthenticated, 'SIGN_IN_REQUIRED']);
  });

  it('is refused by an internal method when it comes from the edge', async () => {
    const { client } = await serve(way, EventLogService, { sync: () => ({ head: 1n }) });
    expect((await client.sync({})).head).toBe(1n);
    const error = await errorOf(client.sync({}, { headers: { 'x-stoa-edge': '1' } }));
    expect(reasonOf(error)).toBe('CALLER_NOT_ALLOWED');
  });

  it('is Unimplemented when nobody wrote the method', async () => {
    const client = await catalog(() => ({}));
    expect((await errorOf(client.listProducts({}))).code).toBe(Code.Unimplemented);
  });

  it('ends at its deadline and stops its handler', async () => {
    const ended = Promise.withResolvers<unknown>();
    const client = await catalog((_, call) => {
      call.signal.addEventListener('abort', () => ended.resolve(call.signal.reason));
      return new Promise(() => {});
    });
    // Long enough to begin, on any machine.
    expect((await errorOf(client.getVariants({}, { timeoutMs: 2_000 }))).code).toBe(Code.DeadlineExceeded);
    // Over the network a caller that gives up and a deadline that passes look alike when they come together.
    expect([Code.DeadlineExceeded, Code.Canceled]).toContain(((await ended.promise) as ConnectError).code);
  });

  it('ends when its caller cancels, and stops its handler', async () => {
    const started = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<unknown>();
    const client = await catalog((_, call) => {
      call.signal.addEventListener('abort', () => ended.resolve(call.signal.reason));
      started.resolve();
      return new Promise(() => {});
    });
    const caller = new AbortController();
    const error = errorOf(client.getVariants({}, { signal: caller.signal }));
    await started.promise;
    caller.abort();
    expect((await error).code).toBe(Code.Canceled);
    expect(((await ended.promise) as ConnectError).code).toBe(Code.Canceled);
  });

  it('does not start when it is cancelled already', async () => {
    let ran = false;
    const client = await catalog(() => (ran = true));
    expect((await errorOf(client.getVariants({}, { signal: AbortSignal.abort() }))).code).toBe(Code.Canceled);
    expect(ran).toBe(false);
  });

  it('hands on what is left of its deadline, its trace and its cancellation', async () => {
    const started = Promise.withResolvers<void>();
    const inner = Promise.withResolvers<HandlerContext>();
    const { client: catalogClient } = await serve(
      way,
      CatalogService,
      {
        getVariants(_: unknown, call: HandlerContext) {
          // Asked for at once: the context is read after the call has ended.
          void call.requestHeader;
          call.signal.addEventListener('abort', () => inner.resolve(call));
          started.resolve();
          return new Promise(() => {});
        },
      },
      'cart',
    );
    let outer: HandlerContext | undefined;
    const { client } = await serve(way, OrdersService, {
      getOrder(_: unknown, call: HandlerContext) {
        outer = call;
        return catalogClient.getVariants({}, relay(call));
      },
    });
    const caller = new AbortController();
    const error = errorOf(client.getOrder({}, { timeoutMs: 60_000, signal: caller.signal }));
    await started.promise;
    caller.abort();
    expect((await error).code).toBe(Code.Canceled);
    const call = await inner.promise;
    expect(call.timeoutMs()).toBeLessThan(60_000);
    const trace = (context: HandlerContext | undefined) => context && callerOf(context).traceparent.slice(0, 35);
    expect(trace(call)).toBe(trace(outer));
    expect(callerOf(call).traceparent).not.toBe(outer && callerOf(outer).traceparent);
  });
});
