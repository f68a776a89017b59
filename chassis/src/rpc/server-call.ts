// One call while it is handled: its deadline, its cancellation, and connect's HandlerContext for the handler.
// Everything a handler may never ask for (headers, signal, values) is built when it is first asked for. A call ends
// exactly once, with an answer or an error; whatever its handler does afterwards is ignored.
import type { Message } from '@bufbuild/protobuf';
import { Code, ConnectError, type ContextKey, type ContextValues, type HandlerContext } from '@connectrpc/connect';
import type { Clock } from '../runtime.ts';
import { type Caller, callerKey, type User } from './caller.ts';
import { readPin } from './canary.ts';
import type { Expiring } from './deadlines.ts';
import { CANARY, type CallHeaders } from './headers.ts';
import type { Outcome, RpcSpan } from './hooks.ts';
import type { Route } from './routes.ts';

/** A call as a transport delivers it. */
export interface IncomingCall extends CallHeaders {
  /** The calling service when the transport itself knows it (same process); it needs no credential then. */
  readonly service: string | undefined;
  /** Address of the other side. */
  readonly peer: string;
  /** What the caller's deadline leaves; undefined when it set none. */
  readonly remainingMs: number | undefined;
}

/** Receives the end of a unary call: an error, or the answer. Called once. */
export type Done = (error: ConnectError | undefined, answer: Message | undefined, call: ServerCall) => void;

/** The reason of signals of calls that ended well: a constant, so that ending costs no stack trace. */
const COMPLETED = new ConnectError('the call has ended', Code.Canceled);

/** The caller's deadline began a little before ours: the time that the call took to arrive. */
const CLOCKS_DIFFER_MS = 20;

/** The caller of a call; its trace context and its pin are read when somebody wants them. */
export class CallerOfCall implements Caller {
  readonly service: string;
  readonly user: User | undefined;
  readonly token: string | undefined;
  readonly #incoming: CallHeaders;
  readonly #trace: () => string;

  constructor(
    service: string,
    { user, token }: Pick<Caller, 'user' | 'token'>,
    incoming: CallHeaders,
    trace: () => string,
  ) {
    this.service = service;
    this.user = user;
    this.token = token;
    this.#incoming = incoming;
    this.#trace = trace;
  }

  get traceparent(): string {
    return this.#trace();
  }

  get canary(): string {
    return readPin(this.#incoming.header(CANARY));
  }
}

/** Connect's context values, with the caller in it without a map for it. */
class CallValues implements ContextValues {
  readonly #call: ServerCall;
  readonly #others = new Map<symbol, unknown>();

  constructor(call: ServerCall) {
    this.#call = call;
  }

  get<T>(key: ContextKey<T>): T {
    if (this.#others.has(key.id)) return this.#others.get(key.id) as T;
    return key.id === callerKey.id && this.#call.caller !== undefined ? (this.#call.caller as T) : key.defaultValue;
  }

  set<T>(key: ContextKey<T>, value: T): this {
    this.#others.set(key.id, value);
    return this;
  }

  delete(key: ContextKey<unknown>): this {
    this.#others.delete(key.id);
    return this;
  }
}

export class ServerCall implements HandlerContext, Expiring {
  readonly route: Route;
  readonly incoming: IncomingCall;
  readonly startedAtMs: number;
  /** Infinity when there is none. */
  readonly deadlineAtMs: number;
  readonly requestMethod = 'POST';
  readonly protocolName = 'grpc';
  caller: Caller | undefined;
  span: RpcSpan | undefined;
  ended = false;
  readonly #clock: Clock;
  readonly #onEnd: (call: ServerCall, outcome: Outcome) => void;
  #done: Done | undefined;
  #abort: AbortController | undefined;
  #endedBy: ConnectError | undefined;
  #values: CallValues | undefined;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;

  constructor(
    route: Route,
    incoming: IncomingCall,
    clock: Clock,
    onEnd: (call: ServerCall, outcome: Outcome) => void,
    done?: Done,
  ) {
    this.route = route;
    this.incoming = incoming;
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.#done = done;
    this.startedAtMs = clock.monotonicMs();
    const limit = Math.min(route.rules.deadlineMs ?? Infinity, incoming.remainingMs ?? Infinity);
    this.deadlineAtMs = this.startedAtMs + limit;
  }

  get service() {
    return this.route.service;
  }

  get method() {
    return this.route.method;
  }

  get url() {
    return `stoa:${this.route.rules.path}`;
  }

  get values(): ContextValues {
    this.#values ??= new CallValues(this);
    return this.#values;
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= this.incoming.headers();
    return this.#requestHeader;
  }

  get responseHeader(): Headers {
    this.#responseHeader ??= new Headers();
    return this.#responseHeader;
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new Headers();
    return this.#responseTrailer;
  }

  /** The response headers if the handler touched them; transports send nothing otherwise. */
  get touchedHeader(): Headers | undefined {
    return this.#responseHeader;
  }

  get touchedTrailer(): Headers | undefined {
    return this.#responseTrailer;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.ended) this.#abort.abort(this.#endedBy ?? COMPLETED);
    }
    return this.#abort.signal;
  }

  // A property, not a method: handlers may take it out of the context.
  readonly timeoutMs = (): number | undefined => {
    if (this.deadlineAtMs === Infinity) return undefined;
    return Math.max(0, Math.floor(this.deadlineAtMs - this.#clock.monotonicMs()));
  };

  succeed(answer: Message | undefined): void {
    if (!this.ended) this.#end(undefined, answer);
  }

  fail(error: ConnectError): void {
    if (!this.ended) this.#end(error, undefined);
  }

  /** The caller has gone. */
  cancel(): void {
    if (this.ended) return;
    // A caller's transport gives up at its deadline by itself: then this is the deadline, not a change of mind.
    const left = this.deadlineAtMs - this.#clock.monotonicMs();
    if (left <= CLOCKS_DIFFER_MS) this.expire();
    else this.#end(new ConnectError('the caller cancelled the call', Code.Canceled), undefined);
  }

  expire(): void {
    if (!this.ended) this.#end(new ConnectError('the deadline has passed', Code.DeadlineExceeded), undefined);
  }

  #end(error: ConnectError | undefined, answer: Message | undefined): void {
    this.ended = true;
    this.#endedBy = error;
    const done = this.#done;
    this.#done = undefined;
    this.#onEnd(this, error?.code ?? 0);
    done?.(error, answer, this);
    this.#abort?.abort(error ?? COMPLETED);
  }
}
