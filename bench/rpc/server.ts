// One server of the benchmark, in a process of its own: `node server.ts <raw|stoa|connect> [trust key]`.
// Tells its port to the parent over IPC, and its CPU time whenever the parent asks.
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js';
import { createLog } from '@stoa/chassis/log';
import { createMetrics } from '@stoa/chassis/metrics';
import { createAuthenticate } from '@stoa/chassis/rpc/authenticate';
import { createDispatcher } from '@stoa/chassis/rpc/dispatcher';
import { serveGrpc } from '@stoa/chassis/rpc/grpc-server';
import { metricHooks } from '@stoa/chassis/rpc/hooks';
import { implement } from '@stoa/chassis/rpc/implement';
import { messageCodec } from '@stoa/chassis/rpc/messages-codec';
import { systemRuntime } from '@stoa/chassis/runtime';
import {
  CatalogService,
  type GetVariantsRequest,
  GetVariantsRequestSchema,
  type GetVariantsResponse,
  GetVariantsResponseSchema,
} from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { getVariants, PATH } from './messages.ts';

const HOST = '127.0.0.1';

/** Only what grpc-js needs, with the codecs of protobuf-es. */
function serveRaw(): Promise<number> {
  const request = messageCodec(GetVariantsRequestSchema);
  const response = messageCodec(GetVariantsResponseSchema);
  const definition = {
    path: PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
  };
  const handler: handleUnaryCall<GetVariantsRequest, GetVariantsResponse> = (call, answer) =>
    answer(null, getVariants(call.request));
  const server = new Server({ 'grpc.enable_channelz': 0 });
  server.addService({ handler: definition }, { handler });
  return new Promise((resolve, reject) => {
    server.bindAsync(`${HOST}:0`, ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

/** The real chain: credential, authorization, deadline, metrics. */
export function stoaDispatcher(trustKey: string) {
  const { clock, random } = systemRuntime();
  return createDispatcher({
    services: [implement(CatalogService, { getVariants } as never)],
    authenticate: createAuthenticate({ clock, services: { from: 'credential', trustKey } }),
    hooks: metricHooks(createMetrics({ processMetrics: false })),
    clock,
    random,
    log: createLog('warn'),
  });
}

async function serveStoa(trustKey: string): Promise<number> {
  const server = await serveGrpc(stoaDispatcher(trustKey), { host: HOST, port: 0, log: createLog('warn') });
  return server.port;
}

function serveConnect(): Promise<number> {
  const handler = connectNodeAdapter({
    connect: false,
    grpcWeb: false,
    routes: (router) => router.service(CatalogService, { getVariants }),
  });
  const server = createServer(handler);
  return new Promise((resolve) => {
    server.listen(0, HOST, () => resolve((server.address() as AddressInfo).port));
  });
}

const [kind, trustKey = ''] = process.argv.slice(2);
if (process.send !== undefined) {
  const serve = { raw: serveRaw, stoa: () => serveStoa(trustKey), connect: serveConnect }[kind as 'raw'];
  const port = await serve();
  process.on('message', () => process.send?.({ cpu: process.cpuUsage() }));
  process.on('disconnect', () => process.exit());
  process.send({ port });
}
