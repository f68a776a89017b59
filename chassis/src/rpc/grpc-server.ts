// Serves a dispatcher to other processes over @grpc/grpc-js, with the standard health and reflection services beside
// it. It translates metadata, deadlines, cancellation and errors; everything that decides is in the dispatcher.
//
// Node's HTTP/2 server does not count pings, so clients may keep connections alive as often as they like (ours: 5 s).

import type { Message } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Log } from '../log.ts';
import { systemRuntime } from '../runtime.ts';
import { createDispatcher, type Dispatcher } from './dispatcher.ts';
import { addHeaders, type GrpcStatus, toHeaders, toStatus } from './grpc-metadata.ts';
import { createHealthState, type HealthState, healthService } from './health.ts';
import { MESSAGE_BYTES_MAX, messageCodec } from './messages-codec.ts';
import { reflectionService } from './reflection.ts';
import type { Route } from './routes.ts';
import type { IncomingCall, ServerCall } from './server-call.ts';

export interface GrpcServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** What health checks tell. Without it the process and its services are serving until `drain`. */
  readonly health?: HealthState;
  readonly log: Log;
}

export interface GrpcServer {
  readonly port: number;
  /**
   * Health says not serving, streams end, no new calls are taken, calls in flight may finish within `graceMs`; then
   * connections are cut. Resolves when the server is closed.
   */
  drain(graceMs: number): Promise<void>;
}

const SERVER_OPTIONS = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  // Notices clients that vanished without a word, so that their streams end.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.enable_channelz': 0,
};

/** Listens and serves. Rejects with a plain sentence when it cannot listen. */
export async function serveGrpc(dispatcher: Dispatcher, options: GrpcServerOptions): Promise<GrpcServer> {
  const server = new Server(SERVER_OPTIONS);
  const health = options.health ?? servingHealth(dispatcher);
  const streams = new Set<ServerCall>();
  const own = standardServices(dispatcher, health, options.log);
  for (const served of [dispatcher, own]) {
    for (const route of served.routes.values()) register(server, served, route, streams);
  }
  const port = await listen(server, addressOf(options.host, options.port));
  const drain = async (graceMs: number) => {
    health.stop();
    // A turn for watchers to hear of it before their streams end.
    await new Promise((resolve) => setImmediate(resolve));
    for (const stream of streams) stream.fail(new ConnectError('the server is shutting down', Code.Unavailable));
    await shutDown(server, addressOf(options.host, port), graceMs);
    own.close();
  };
  return { port, drain };
}

function servingHealth(dispatcher: Dispatcher): HealthState {
  const health = createHealthState();
  for (const name of ['', ...dispatcher.services.map(({ typeName }) => typeName)]) health.set(name, true);
  return health;
}

/** Health and reflection run through a chain of their own: no caller to authorize, nothing worth a metric. */
function standardServices(dispatcher: Dispatcher, health: HealthState, log: Log): Dispatcher {
  const { clock, random } = systemRuntime();
  const healthRpc = healthService(health);
  return createDispatcher({
    services: [healthRpc, reflectionService([...dispatcher.services, healthRpc.service])],
    authenticate: () => ({ services: [], user: undefined, token: undefined }),
    hooks: {},
    clock,
    random,
    log,
  });
}

function addressOf(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function listen(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) return resolve(bound);
      const why = error.message.includes('EADDRINUSE') ? 'the port is already in use' : error.message;
      reject(new Error(`cannot serve gRPC on ${address}: ${why}`));
    });
  });
}

/**
 * Stops listening and waits for calls in flight. `tryShutdown` alone would wait without end, and `forceShutdown` does
 * not know the connections of a server without channelz (grpc-js 1.14); `drain` does, and cuts them after the grace.
 */
function shutDown(server: Server, address: string, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    server.drain(address, graceMs);
    server.tryShutdown(() => resolve());
  });
}

class GrpcIncoming implements IncomingCall {
  // The network proves nothing: credentials do.
  readonly service = undefined;
  readonly #metadata: Metadata;
  readonly #call: { getPeer(): string; getDeadline(): Date | number };

  constructor(call: { metadata: Metadata; getPeer(): string; getDeadline(): Date | number }) {
    this.#call = call;
    this.#metadata = call.metadata;
  }

  /** Without the port, which differs for each connection. */
  get peer(): string {
    return this.#call.getPeer().replace(/:\d+$/, '');
  }

  get remainingMs(): number | undefined {
    const deadline = Number(this.#call.getDeadline());
    return deadline === Infinity ? undefined : deadline - Date.now();
  }

  header(name: string): string | undefined {
    return this.#metadata.get(name)[0] as string | undefined;
  }

  headers(): Headers {
    return toHeaders(this.#metadata);
  }
}

function register(server: Server, dispatcher: Dispatcher, route: Route, streams: Set<ServerCall>): void {
  const { method, rules } = route;
  const unary = method.methodKind === 'unary';
  const handler = unary ? unaryHandler(dispatcher, route) : streamHandler(dispatcher, route, streams);
  const definition = {
    path: rules.path,
    requestStream: method.methodKind === 'bidi_streaming',
    responseStream: !unary,
    requestDeserialize: messageCodec(method.input).decode,
    requestSerialize: messageCodec(method.input).encode,
    responseSerialize: messageCodec(method.output).encode,
    responseDeserialize: messageCodec(method.output).decode,
  };
  server.addService({ handler: definition }, { handler } as UntypedServiceImplementation);
}

function unaryHandler(dispatcher: Dispatcher, route: Route): handleUnaryCall<Message, Message> {
  return (call, callback) => {
    const handled = dispatcher.unary(route, new GrpcIncoming(call), call.request, (error, answer, ended) => {
      const { touchedHeader, touchedTrailer } = ended;
      try {
        if (touchedHeader !== undefined) call.sendMetadata(toMetadata(touchedHeader));
        if (error !== undefined) callback(statusOf(error, touchedTrailer));
        else callback(null, answer, touchedTrailer && toMetadata(touchedTrailer));
      } catch {
        callback(UNSENDABLE);
      }
    });
    if (!handled.ended) call.on('cancelled', () => handled.cancel());
  };
}

/** Headers, trailers or error metadata that HTTP/2 cannot carry. */
const UNSENDABLE = toStatus(new ConnectError('internal error', Code.Internal), undefined);

type StreamingCall = ServerWritableStream<Message, Message> | ServerDuplexStream<Message, Message>;

function streamHandler(dispatcher: Dispatcher, route: Route, streams: Set<ServerCall>) {
  return (call: StreamingCall): void => {
    const requests = 'request' in call ? only(call.request) : (call as AsyncIterable<Message>);
    const handled = dispatcher.stream(route, new GrpcIncoming(call), requests);
    streams.add(handled.call);
    call.on('cancelled', () => handled.call.cancel());
    void writeAll(call, handled.call, handled.answers).finally(() => streams.delete(handled.call));
  };
}

async function* only(request: Message): AsyncGenerator<Message> {
  yield request;
}

async function writeAll(call: StreamingCall, handled: ServerCall, answers: AsyncGenerator<Message>): Promise<void> {
  let headerSent = false;
  const sendHeader = () => {
    if (!headerSent && handled.touchedHeader !== undefined) call.sendMetadata(toMetadata(handled.touchedHeader));
    headerSent = true;
  };
  try {
    for await (const answer of answers) {
      sendHeader();
      if (!call.write(answer)) await drained(call);
    }
    sendHeader();
    call.end(handled.touchedTrailer && toMetadata(handled.touchedTrailer));
  } catch (error) {
    if (call.destroyed) return;
    call.emit('error', statusOf(ConnectError.from(error, Code.Internal), handled.touchedTrailer));
  }
}

function statusOf(error: ConnectError, trailer: Headers | undefined): GrpcStatus {
  try {
    return toStatus(error, trailer);
  } catch {
    return UNSENDABLE;
  }
}

/** Resolves when the stream takes more, or never will. */
function drained(call: StreamingCall): Promise<void> {
  return new Promise((resolve) => {
    if (call.destroyed) return resolve();
    const go = () => {
      call.off('drain', go);
      call.off('close', go);
      resolve();
    };
    call.on('drain', go);
    call.on('close', go);
  });
}

function toMetadata(headers: Headers): Metadata {
  const metadata = new Metadata();
  addHeaders(metadata, headers);
  return metadata;
}
