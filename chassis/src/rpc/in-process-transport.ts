// Calls to a service in the same process: the same chain as from the network, without the network and without
// serialization. Messages are passed on as they are, so a handler must not change its request and a caller must not
// change an answer it may share; both are treated as immutable everywhere. Error objects cross as they are, too.
import { create, type DescMessage, type Message, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type StreamResponse, type Transport, type UnaryResponse } from '@connectrpc/connect';
import type { Dispatcher } from './dispatcher.ts';
import { type HeadersInit, readHeader } from './headers.ts';
import type { Route } from './routes.ts';
import type { IncomingCall, ServerCall } from './server-call.ts';

class LocalCall implements IncomingCall {
  readonly service: string;
  readonly remainingMs: number | undefined;
  readonly #init: HeadersInit | undefined;

  constructor(service: string, remainingMs: number | undefined, init: HeadersInit | undefined) {
    this.service = service;
    this.remainingMs = remainingMs;
    this.#init = init;
  }

  get peer(): string {
    return `in-process:${this.service}`;
  }

  header(name: string): string | undefined {
    return readHeader(this.#init, name);
  }

  headers(): Headers {
    return new Headers(this.#init);
  }
}

/** Connect's response; headers are built if somebody reads them, which is rare. */
class LocalResponse {
  readonly stream = false as const;
  readonly message: Message;
  readonly #call: ServerCall;

  constructor(call: ServerCall, message: Message) {
    this.#call = call;
    this.message = message;
  }

  get service() {
    return this.#call.service;
  }

  get method() {
    return this.#call.method;
  }

  get header(): Headers {
    return this.#call.responseHeader;
  }

  get trailer(): Headers {
    return this.#call.responseTrailer;
  }
}

/** A transport onto the dispatcher, for calls made by the service `callerService` of this process. */
export function createInProcessTransport(dispatcher: Dispatcher, callerService: string): Transport {
  const routeOf = (path: string): Route => {
    const route = dispatcher.routes.get(path);
    if (route === undefined) throw new ConnectError(`${path} is not served here`, Code.Unimplemented);
    return route;
  };
  return {
    unary(method, signal, timeoutMs, header, input) {
      return new Promise<never>((resolve, reject) => {
        const route = routeOf(`/${method.parent.typeName}/${method.name}`);
        if (signal?.aborted) return reject(abortError(signal));
        const incoming = new LocalCall(callerService, timeoutMs, header);
        const abort = () => {
          reject(abortError(signal as AbortSignal));
          call.cancel();
        };
        const call = dispatcher.unary(route, incoming, toMessage(method.input, input), (error, answer, ended) => {
          signal?.removeEventListener('abort', abort);
          if (error !== undefined) reject(error);
          else resolve(new LocalResponse(ended, answer as Message) as UnaryResponse as never);
        });
        if (!call.ended) signal?.addEventListener('abort', abort);
      });
    },
    async stream(method, signal, timeoutMs, header, input) {
      const route = routeOf(`/${method.parent.typeName}/${method.name}`);
      if (signal?.aborted) throw abortError(signal);
      const incoming = new LocalCall(callerService, timeoutMs, header);
      const { call, answers } = dispatcher.stream(route, incoming, toMessages(method.input, input));
      const abort = () => call.cancel();
      signal?.addEventListener('abort', abort);
      const message = untilEnd(answers, () => signal?.removeEventListener('abort', abort));
      const { responseHeader, responseTrailer } = call;
      return {
        stream: true,
        service: method.parent,
        method,
        header: responseHeader,
        trailer: responseTrailer,
        message,
      } as StreamResponse as never;
    },
  };
}

/** The error of a caller whose signal has aborted: the signal's own, when it says why. */
export function abortError(signal: AbortSignal): ConnectError {
  const { reason } = signal;
  return reason instanceof ConnectError ? reason : new ConnectError('the call was cancelled', Code.Canceled);
}

function toMessage<Desc extends DescMessage>(schema: Desc, input: MessageInitShape<Desc>): Message {
  return (input as Message).$typeName === undefined ? create(schema, input) : (input as Message);
}

async function* toMessages<Desc extends DescMessage>(
  schema: Desc,
  inputs: AsyncIterable<MessageInitShape<Desc>>,
): AsyncGenerator<MessageShape<Desc>> {
  for await (const input of inputs) yield toMessage(schema, input) as MessageShape<Desc>;
}

async function* untilEnd<T>(items: AsyncIterable<T>, ended: () => void): AsyncGenerator<T> {
  try {
    yield* items;
  } finally {
    ended();
  }
}
