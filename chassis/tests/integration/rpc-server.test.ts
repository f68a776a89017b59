// What only the network has: sizes, unknown methods, restarts, drains, health, reflection.
import { randomInt } from 'node:crypto';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, type HandlerContext } from '@connectrpc/connect';
import { createGrpcTransport as createConnectTransport } from '@connectrpc/connect-node';
import { Client, credentials } from '@grpc/grpc-js';
import { Health, HealthCheckResponse_ServingStatus as Status } from '@stoa/proto/grpc/health/v1/health_pb';
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '@stoa/proto/grpc/reflection/v1/reflection_pb';
import { CatalogService } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { afterEach, describe, expect, it } from 'vitest';
import { createClients } from '../../src/rpc/clients.ts';
import { reasonOf } from '../../src/rpc/errors.ts';
import type { GrpcServer } from '../../src/rpc/grpc-server.ts';
import { createGrpcTransport } from '../../src/rpc/grpc-transport.ts';
import { createHealthState, type HealthState } from '../../src/rpc/health.ts';
import { messageCodec } from '../../src/rpc/messages-codec.ts';
import { systemRuntime } from '../../src/runtime.ts';
import { connect, credentialOf, dispatch, HOST, listen, partly } from './rpc-fixture.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(handlers: object, options: { port?: number; health?: HealthState } = {}): Promise<GrpcServer> {
  const dispatcher = dispatch(partly(CatalogService, handlers));
  const server = await listen(dispatcher, options.port, options.health);
  cleanups.push(() => server.drain(500).then(() => dispatcher.close()));
  return server;
}

/** On a port that the system gives to no outgoing connection, which could take it while nobody listens there. */
async function startToReturn(handlers: object): Promise<GrpcServer> {
  for (let tries = 0; ; tries++) {
    try {
      return await start(handlers, { port: randomInt(10_000, 32_768) });
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}

async function transportTo(server: GrpcServer, caller: string | undefined = 'bff') {
  const transport = await connect(server.port, caller);
  cleanups.push(() => transport.close());
  return transport;
}

async function catalogOf(server: GrpcServer) {
  return createClient(CatalogService, await transportTo(server));
}

async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

/** Passes bytes on to a port until told to swallow those of the connections it has. */
async function startProxy(target: number): Promise<{ port: number; blackHole(): void }> {
  const sockets: Socket[] = [];
  const proxy = createServer((inner) => {
    const outer = createConnection(target, HOST);
    for (const socket of [inner, outer]) socket.on('error', () => {});
    inner.pipe(outer).pipe(inner);
    sockets.push(inner, outer);
  });
  await new Promise<void>((resolve) => proxy.listen(0, HOST, resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const blackHole = () => {
    for (const socket of sockets) socket.unpipe().pause();
  };
  return { port: (proxy.address() as AddressInfo).port, blackHole };
}

describe('over the network', () => {
  it('a caller without a credential is nobody', async () => {
    const server = await start({ getVariants: () => ({}) });
    const transport = await connect(server.port, undefined);
    cleanups.push(() => transport.close());
    const error = await errorOf(createClient(CatalogService, transport).getVariants({}));
    expect([error.code, reasonOf(error)]).toEqual([Code.PermissionDenied, 'CALLER_NOT_ALLOWED']);
  });

  it('messages larger than 4 MiB are refused, both ways', async () => {
    const server = await start({
      getVariants: ({ skus }: { skus: string[] }) => ({
        variants: skus.map((sku) => ({ name: sku.repeat(5_000_000) })),
      }),
    });
    const client = await catalogOf(server);
    const request = await errorOf(client.getVariants({ skus: ['x'.repeat(5_000_000)] }));
    expect(request.code).toBe(Code.ResourceExhausted);
    const answer = await errorOf(client.getVariants({ skus: ['x'] }));
    expect(answer.code).toBe(Code.ResourceExhausted);
    expect((await client.getVariants({ skus: [] })).variants).toEqual([]);
  });

  it('a service that is not served is Unimplemented', async () => {
    const transport = await transportTo(await start({}));
    const error = await errorOf(createClient(OrdersService, transport).getOrder({}));
    expect(error.code).toBe(Code.Unimplemented);
  });

  it('other gRPC clients get the same answers, errors and details (connect-node)', async () => {
    const server = await start({ getVariants: ({ skus }: { skus: string[] }) => ({ variants: [{ sku: skus[0] }] }) });
    const client = createClient(CatalogService, createConnectTransport({ baseUrl: `http://${HOST}:${server.port}` }));
    const headers = { 'x-stoa-service-credential': await credentialOf('cart', 'bff') };
    expect((await client.getVariants({ skus: ['a'] }, { headers })).variants[0]?.sku).toBe('a');
    expect(reasonOf(await errorOf(client.getVariants({})))).toBe('CALLER_NOT_ALLOWED');
  });

  it('a port that is taken is said so', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, HOST, resolve));
    cleanups.push(() => other.close());
    const { port } = other.address() as AddressInfo;
    await expect(listen(dispatch(), port)).rejects.toThrow(
      `cannot serve gRPC on ${HOST}:${port}: the port is already in use`,
    );
  });
});

describe('a server that goes away', () => {
  it('is Unavailable, and reached again after it restarted on the same port', async () => {
    const handlers = { getVariants: () => ({}) };
    const first = await startToReturn(handlers);
    const transport = await transportTo(first);
    const { clock, random } = systemRuntime();
    const client = createClients({ transportFor: () => transport, retries: 'app', clock, random })(CatalogService);
    await client.getVariants({});
    await first.drain(0);
    expect((await errorOf(client.getVariants({}))).code).toBe(Code.Unavailable);
    await start(handlers, { port: first.port });
    await expect
      .poll(() =>
        client.getVariants({}).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  });

  it('is reached again when a connection to it goes dead without a word', async () => {
    const server = await start({ getVariants: () => ({}) });
    const proxy = await startProxy(server.port);
    const transport = createGrpcTransport({
      address: `${HOST}:${proxy.port}`,
      credential: await credentialOf('bff'),
      keepalive: { timeMs: 200, timeoutMs: 200 },
    });
    cleanups.push(() => transport.close());
    const client = createClient(CatalogService, transport);
    await client.getVariants({});
    proxy.blackHole();
    const answered = (timeoutMs: number) =>
      client.getVariants({}, { timeoutMs }).then(
        () => true,
        () => false,
      );
    // Sooner than the keepalive can find out.
    expect(await answered(300)).toBe(false);
    await expect.poll(() => answered(5_000)).toBe(true);
  });

  it('is Unavailable once the transport is closed', async () => {
    const transport = await transportTo(await start({ getVariants: () => ({}) }));
    transport.close();
    expect((await errorOf(createClient(CatalogService, transport).getVariants({}))).code).toBe(Code.Unavailable);
  });

  it('lets calls in flight finish and takes no new ones', async () => {
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const server = await start({
      async getVariants() {
        started.resolve();
        await release.promise;
        return { variants: [{ sku: 'late' }] };
      },
    });
    const client = await catalogOf(server);
    const inFlight = client.getVariants({});
    await started.promise;
    const drained = server.drain(10_000);
    const fresh = await catalogOf(server);
    expect((await errorOf(fresh.getVariants({}, { timeoutMs: 1_000 }))).code).toBe(Code.Unavailable);
    release.resolve();
    expect((await inFlight).variants[0]?.sku).toBe('late');
    await drained;
  });

  it('cuts calls that outlast the grace', async () => {
    const started = Promise.withResolvers<void>();
    const server = await start({
      getVariants(_: unknown, call: HandlerContext) {
        call.signal.addEventListener('abort', () => {});
        started.resolve();
        return new Promise(() => {});
      },
    });
    const error = errorOf((await catalogOf(server)).getVariants({}, { timeoutMs: 10_000 }));
    await started.promise;
    await server.drain(50);
    expect([Code.Unavailable, Code.Canceled]).toContain((await error).code);
  });
});

describe('health', () => {
  it('is told for the process and for each service; unknown names are NotFound', async () => {
    const health = createHealthState();
    health.set('', true);
    health.set(CatalogService.typeName, false);
    const client = createClient(Health, await transportTo(await start({}, { health })));
    expect((await client.check({})).status).toBe(Status.SERVING);
    expect((await client.check({ service: CatalogService.typeName })).status).toBe(Status.NOT_SERVING);
    expect((await errorOf(client.check({ service: 'nobody' }))).code).toBe(Code.NotFound);
  });

  it('needs no credential', async () => {
    const transport = await connect((await start({})).port, undefined);
    cleanups.push(() => transport.close());
    expect((await createClient(Health, transport).check({})).status).toBe(Status.SERVING);
  });

  it('can be watched: every change, and at the end not serving and Unavailable', async () => {
    const health = createHealthState();
    const server = await start({}, { health });
    const client = createClient(Health, await transportTo(server));
    const seen: Status[] = [];
    const watching = (async () => {
      for await (const { status } of client.watch({ service: 'later' })) seen.push(status);
    })();
    await expect.poll(() => seen).toEqual([Status.SERVICE_UNKNOWN]);
    health.set('later', true);
    await expect.poll(() => seen).toEqual([Status.SERVICE_UNKNOWN, Status.SERVING]);
    await Promise.all([errorOf(watching).then(({ code }) => expect(code).toBe(Code.Unavailable)), server.drain(1_000)]);
    expect(seen.at(-1)).toBe(Status.NOT_SERVING);
  });

  it('watching ends when the watcher goes', async () => {
    const client = createClient(Health, await transportTo(await start({})));
    const watcher = new AbortController();
    const seen: Status[] = [];
    const watching = (async () => {
      for await (const { status } of client.watch({}, { signal: watcher.signal })) {
        seen.push(status);
        watcher.abort();
      }
    })();
    expect((await errorOf(watching)).code).toBe(Code.Canceled);
    expect(seen).toEqual([Status.SERVING]);
  });
});

describe('reflection', () => {
  type Question = MessageInitShape<typeof ServerReflectionRequestSchema>['messageRequest'];

  /** Asks with grpc-js alone, as grpcurl would: one stream, all questions. */
  async function ask(server: GrpcServer, ...questions: NonNullable<Question>[]): Promise<ServerReflectionResponse[]> {
    const client = new Client(`${HOST}:${server.port}`, credentials.createInsecure());
    cleanups.push(() => client.close());
    const { encode } = messageCodec(ServerReflectionRequestSchema);
    const { decode } = messageCodec(ServerReflectionResponseSchema);
    const { typeName } = ServerReflection;
    const call = client.makeBidiStreamRequest(`/${typeName}/ServerReflectionInfo`, encode, decode);
    for (const messageRequest of questions) call.write(create(ServerReflectionRequestSchema, { messageRequest }));
    call.end();
    const answers: ServerReflectionResponse[] = [];
    for await (const answer of call) answers.push(answer as ServerReflectionResponse);
    return answers;
  }

  function filesIn({ messageResponse }: ServerReflectionResponse): string[] {
    if (messageResponse.case !== 'fileDescriptorResponse') throw new Error(`answered ${messageResponse.case}`);
    const files = messageResponse.value.fileDescriptorProto;
    return files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
  }

  it('lists the services and gives their files with all imports', async () => {
    const server = await start({});
    const [list, bySymbol, byMethod, byName] = await ask(
      server,
      { case: 'listServices', value: '' },
      { case: 'fileContainingSymbol', value: CatalogService.typeName },
      { case: 'fileContainingSymbol', value: `${CatalogService.typeName}.GetVariants` },
      { case: 'fileByFilename', value: 'stoa/common/v1/money.proto' },
    );
    const services = list?.messageResponse.case === 'listServicesResponse' ? list.messageResponse.value.service : [];
    expect(services.map(({ name }) => name)).toEqual([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'stoa.catalog.v1.CatalogService',
    ]);
    const files = filesIn(bySymbol as ServerReflectionResponse);
    expect(files[0]).toBe('stoa/catalog/v1/catalog.proto');
    expect(files).toContain('google/protobuf/descriptor.proto');
    expect(filesIn(byMethod as ServerReflectionResponse)).toEqual(files);
    expect(filesIn(byName as ServerReflectionResponse)).toEqual(['stoa/common/v1/money.proto']);
  });

  it('knows extensions, and says what it does not know', async () => {
    const containingType = 'google.protobuf.MethodOptions';
    const [byExtension, numbers, unknown] = await ask(
      await start({}),
      { case: 'fileContainingExtension', value: { containingType, extensionNumber: 50101 } },
      { case: 'allExtensionNumbersOfType', value: containingType },
      { case: 'fileContainingSymbol', value: 'no.such.Thing' },
    );
    expect(filesIn(byExtension as ServerReflectionResponse)[0]).toBe('stoa/policy/v1/policy.proto');
    expect(numbers?.messageResponse.value).toMatchObject({ baseTypeName: containingType, extensionNumber: [50101] });
    expect(unknown?.messageResponse).toMatchObject({ case: 'errorResponse', value: { errorCode: Code.NotFound } });
  });
});
