// Calls to another process: connect's `Transport` straight onto a grpc-js channel. One channel for each target, for
// the life of the process. Every call has a deadline. Retries are not here (clients.ts), nor load balancing (the mesh).
//
// Unary calls use the channel itself, not `Client.makeUnaryRequest`: that captures a stack trace for each call and wraps
// it in layers for interceptors which we do not have; together a seventh of the client's time (bench/rpc).
import { Code, ConnectError, type StreamResponse, type Transport, type UnaryResponse } from '@connectrpc/connect';
import {
  Client,
  type ClientReadableStream,
  credentials,
  getClientChannel,
  type InterceptingListener,
  Metadata,
  type ServiceError,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import { addHeaders, fromStatus, toHeaders } from './grpc-metadata.ts';
import { type HeadersInit, SERVICE_CREDENTIAL } from './headers.ts';
import { abortError } from './in-process-transport.ts';
import { MESSAGE_BYTES_MAX, messageCodec } from './messages-codec.ts';
import { methodPolicy } from './policy.ts';

export interface GrpcTransportOptions {
  /** `host:port`. Without a port gRPC would mean 443. */
  readonly address: string;
  /** This process's service credential; undefined where the mesh proves identities. */
  readonly credential?: string | undefined;
  /**
   * Pings that notice a dead connection. Without them a black-holed connection stayed unnoticed for more than two
   * minutes, with them 7 s. 'off' in a mesh, whose proxies ping each hop themselves.
   * @default { timeMs: 5000, timeoutMs: 2000 }
   */
  readonly keepalive?: { readonly timeMs: number; readonly timeoutMs: number } | 'off';
}

/** A transport over the network; resilience (clients.ts) applies to these only. */
export interface GrpcTransport extends Transport {
  readonly network: true;
  /** Ends the channel; calls in flight fail. */
  close(): void;
}

const DEFAULT_KEEPALIVE = { timeMs: 5_000, timeoutMs: 2_000 };
/** After a lost connection: try again soon, because our own processes restart fast. */
const RECONNECT = { initialMs: 100, maxMs: 2_000 };

function channelOptions(keepalive: GrpcTransportOptions['keepalive'] = DEFAULT_KEEPALIVE) {
  return {
    // Each look-up of a name would also ask for a TXT record.
    'grpc.service_config_disable_resolution': 1,
    // Retries are ours or the mesh's; grpc-js would buffer messages for its own.
    'grpc.enable_retries': 0,
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.initial_reconnect_backoff_ms': RECONNECT.initialMs,
    'grpc.max_reconnect_backoff_ms': RECONNECT.maxMs,
    // Subchannels are shared by default: a closed transport would keep another one's connection.
    'grpc.use_local_subchannel_pool': 1,
    ...(keepalive === 'off'
      ? {}
      : {
          'grpc.keepalive_time_ms': keepalive.timeMs,
          'grpc.keepalive_timeout_ms': keepalive.timeoutMs,
          'grpc.keepalive_permit_without_calls': 1,
        }),
  };
}

type Method = Parameters<Transport['unary']>[0] | Parameters<Transport['stream']>[0];

/** What a method's calls need, prepared once. */
interface Prepared {
  readonly path: string;
  readonly deadlineMs: number | undefined;
  readonly encode: (message: object) => Buffer;
  readonly decode: (bytes: Buffer) => object;
}

const prepared = new WeakMap<Method, Prepared>();

function prepare(method: Method): Prepared {
  let found = prepared.get(method);
  if (found === undefined) {
    const { path, deadlineMs } = methodPolicy(method);
    found = { path, deadlineMs, encode: messageCodec(method.input).encode, decode: messageCodec(method.output).decode };
    prepared.set(method, found);
  }
  return found;
}

/** Connect's response; headers are built if somebody reads them, which is rare. */
class GrpcResponse {
  readonly stream: boolean;
  readonly method: Method;
  message: unknown;
  headerMetadata: Metadata | undefined;
  trailerMetadata: Metadata | undefined;

  constructor(method: Method, stream: boolean) {
    this.method = method;
    this.stream = stream;
  }

  get service() {
    return this.method.parent;
  }

  get header(): Headers {
    return toHeaders(this.headerMetadata);
  }

  get trailer(): Headers {
    return toHeaders(this.trailerMetadata);
  }
}

type GrpcCall = ReturnType<ReturnType<typeof getClientChannel>['createCall']>;

/** Follows one unary call to its end. */
class UnaryReply implements InterceptingListener {
  readonly #call: GrpcCall;
  readonly #decode: Prepared['decode'];
  readonly #response: GrpcResponse;
  readonly #done: (error: ConnectError | undefined, response: GrpcResponse) => void;
  #unreadable: ConnectError | undefined;

  constructor(
    call: GrpcCall,
    decode: Prepared['decode'],
    response: GrpcResponse,
    done: (error: ConnectError | undefined, response: GrpcResponse) => void,
  ) {
    this.#call = call;
    this.#decode = decode;
    this.#response = response;
    this.#done = done;
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.#response.headerMetadata = metadata;
  }

  onReceiveMessage(bytes: Buffer): void {
    try {
      if (this.#response.message !== undefined) throw new Error('more than one');
      this.#response.message = this.#decode(bytes);
    } catch (error) {
      this.#unreadable = new ConnectError('the answer cannot be read', Code.Internal, undefined, undefined, error);
      this.#call.cancelWithStatus(status.INTERNAL, 'the answer cannot be read');
    }
  }

  onReceiveStatus(end: StatusObject): void {
    this.#response.trailerMetadata = end.metadata;
    if (this.#unreadable !== undefined) this.#done(this.#unreadable, this.#response);
    else if (end.code !== status.OK) this.#done(fromStatus(end), this.#response);
    else if (this.#response.message !== undefined) this.#done(undefined, this.#response);
    else this.#done(new ConnectError('the answer is missing', Code.Unimplemented), this.#response);
  }
}

export function createGrpcTransport(options: GrpcTransportOptions): GrpcTransport {
  const client = new Client(options.address, credentials.createInsecure(), channelOptions(options.keepalive));
  const channel = getClientChannel(client);
  const metadataOf = (headers: HeadersInit | undefined): Metadata => {
    const metadata = new Metadata();
    if (options.credential !== undefined) metadata.set(SERVICE_CREDENTIAL, options.credential);
    addHeaders(metadata, headers);
    return metadata;
  };
  return {
    network: true,
    close: () => client.close(),
    unary(method, signal, timeoutMs, headers, input) {
      return new Promise<never>((resolve, reject) => {
        if (signal?.aborted) return reject(abortError(signal));
        const { path, deadlineMs, encode, decode } = prepare(method);
        const bytes = encode(input as object);
        const metadata = metadataOf(headers);
        const call = openCall(channel, path, deadlineAt(timeoutMs ?? deadlineMs));
        const abort = () => {
          reject(abortError(signal as AbortSignal));
          call.cancelWithStatus(status.CANCELLED, 'the caller cancelled the call');
        };
        const reply = new UnaryReply(call, decode, new GrpcResponse(method, false), (error, response) => {
          signal?.removeEventListener('abort', abort);
          if (error !== undefined) reject(error);
          else resolve(response as unknown as UnaryResponse as never);
        });
        signal?.addEventListener('abort', abort);
        call.start(metadata, reply);
        call.startRead();
        call.sendMessageWithContext({}, bytes);
        call.halfClose();
      });
    },
    async stream(method, signal, timeoutMs, headers, input) {
      if (signal?.aborted) throw abortError(signal);
      if (method.methodKind !== 'server_streaming') {
        throw new ConnectError(`${method.name}: only server streams are supported`, Code.Unimplemented);
      }
      const { path, deadlineMs, encode, decode } = prepare(method);
      const request = await firstOf(input as AsyncIterable<object>);
      const deadline = { deadline: deadlineAt(timeoutMs ?? deadlineMs) };
      const call = client.makeServerStreamRequest(path, encode, decode, request, metadataOf(headers), deadline);
      const response = new GrpcResponse(method, true);
      response.message = readStream(call, signal, response);
      response.headerMetadata = await headerOf(call);
      return response as unknown as StreamResponse as never;
    },
  };
}

function openCall(channel: ReturnType<typeof getClientChannel>, path: string, deadline: number): GrpcCall {
  try {
    return channel.createCall(path, deadline, null, null, null);
  } catch (error) {
    throw new ConnectError('the transport is closed', Code.Unavailable, undefined, undefined, error);
  }
}

/** grpc-js takes the wall clock's time. */
function deadlineAt(timeoutMs: number | undefined): number {
  return timeoutMs === undefined ? Infinity : Date.now() + timeoutMs;
}

async function firstOf(input: AsyncIterable<object>): Promise<object> {
  for await (const message of input) return message;
  throw new ConnectError('the request is missing', Code.InvalidArgument);
}

/** Resolves when the headers arrived, or when the call failed before: then reading the stream tells why. */
function headerOf(call: ClientReadableStream<object>): Promise<Metadata | undefined> {
  return new Promise((resolve) => {
    call.once('metadata', resolve);
    call.once('error', () => resolve(undefined));
    call.once('status', () => resolve(undefined));
  });
}

/**
 * Listens from the start, although it may be read later: grpc-js emits a stream's error without destroying the stream,
 * so a reader that begins after the error would see a quiet end.
 */
function readStream(call: ClientReadableStream<object>, signal: AbortSignal | undefined, response: GrpcResponse) {
  let failure: ConnectError | undefined;
  const abort = () => {
    failure = abortError(signal as AbortSignal);
    call.cancel();
  };
  signal?.addEventListener('abort', abort);
  call.on('error', (error: ServiceError) => {
    failure ??= fromStatus(error);
  });
  call.on('status', (status) => {
    signal?.removeEventListener('abort', abort);
    response.trailerMetadata = status.metadata;
  });
  return read();
  async function* read() {
    try {
      yield* call;
    } catch (error) {
      throw failure ?? ConnectError.from(error);
    } finally {
      call.cancel();
    }
    if (failure !== undefined) throw failure;
  }
}
