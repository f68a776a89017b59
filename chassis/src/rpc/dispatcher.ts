// One chain of steps for every call, whether it comes from the network, from the same process or from the edge:
// deadline, identity, authorization, rate limit, trace, handler, error mapping, metrics. Transports translate their
// protocol to it and back and decide nothing.
//
// Unary calls use callbacks instead of promises: everything but the handler usually completes in the same turn.
import { create, type DescMethod, type DescService, type Message } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Log } from '../log.ts';
import type { Clock, Random } from '../runtime.ts';
import { authorize, type Identity } from './authorize.ts';
import { createDeadlines } from './deadlines.ts';
import { isInterruption, toConnectError } from './error-mapping.ts';
import { type CallHeaders, CLIENT_ADDRESS, EDGE, TRACEPARENT } from './headers.ts';
import type { Outcome, RpcHooks } from './hooks.ts';
import type { RpcService } from './implement.ts';
import { ownedRoute, type Route, registerRoutes, unimplemented } from './routes.ts';
import { createRunningHandlers, type RunningHandlers } from './running-handlers.ts';
import { CallerOfCall, type Done, type IncomingCall, ServerCall } from './server-call.ts';
import { createTracer, type Tracer, traceIdOf } from './trace.ts';

/** Finds out who calls. Synchronous when the answer is cached. Throws ConnectErrors. */
export type Authenticate = (
  call: CallHeaders & { readonly service: string | undefined },
) => Identity | Promise<Identity>;

export interface DispatcherOptions {
  readonly services: readonly RpcService[];
  readonly authenticate: Authenticate;
  readonly hooks: RpcHooks;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface Dispatcher {
  readonly services: readonly DescService[];
  /** By path: `/stoa.orders.v1.OrdersService/GetOrder`. */
  readonly routes: ReadonlyMap<string, Route>;
  /** Handles a unary call; `done` is called exactly once, possibly before this returns. */
  unary(route: Route, incoming: IncomingCall, request: Message, done: Done): ServerCall;
  /** Handles a streaming call; `answers` must be iterated (its errors are ConnectErrors), or the call cancelled. */
  stream(
    route: Route,
    incoming: IncomingCall,
    requests: AsyncIterable<Message>,
  ): { call: ServerCall; answers: AsyncGenerator<Message> };
  /** Resolves when no handler runs any more, not even one that nobody waits for, or after `ms`. */
  idle(ms: number): Promise<void>;
  /** Releases its timers. */
  close(): void;
}

const ANONYMOUS: Identity = { services: [], user: undefined, token: undefined };

/** Builds the chain; throws when a contract lacks its policy or two services collide. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const chain = createChain(options);
  return {
    services: options.services.map(({ service }) => service),
    routes: registerRoutes(options.services, options.clock),
    unary(route, incoming, request, done) {
      const call = chain.begin(route, incoming, done);
      if (call.ended) return call;
      try {
        const identity = chain.identify(call);
        if (identity instanceof Promise) {
          identity.then(
            (known) => chain.handle(call, known, request),
            (error) => chain.failed(call, error),
          );
        } else chain.handle(call, identity, request);
      } catch (error) {
        chain.failed(call, error);
      }
      return call;
    },
    stream(route, incoming, requests) {
      const call = chain.begin(route, incoming);
      const admit = async () => chain.admit(call, await chain.identify(call));
      return { call, answers: streamAnswers(call, requests, admit, chain) };
    },
    idle: chain.running.idle,
    close: chain.close,
  };
}

/** The steps of a call. */
function createChain({ clock, hooks, authenticate, random, log }: DispatcherOptions) {
  const deadlines = createDeadlines(clock);
  const tracer = createTracer(random);
  const running = createRunningHandlers(clock);

  const onEnd = (call: ServerCall, outcome: Outcome) => {
    deadlines.remove(call);
    call.span?.end(outcome);
    hooks.finished?.(call.route, outcome, (clock.monotonicMs() - call.startedAtMs) / 1000, call.caller);
  };
  const begin = (requested: Route, incoming: IncomingCall, done?: Done): ServerCall => {
    const route = ownedRoute(requested, incoming);
    const call = new ServerCall(route ?? requested, incoming, clock, onEnd, done);
    hooks.started?.(call.route);
    if (route === undefined) call.fail(unimplemented(`${requested.rules.path} of this owner`));
    else if (call.deadlineAtMs <= call.startedAtMs) call.expire();
    else if (call.deadlineAtMs !== Infinity) deadlines.add(call);
    return call;
  };
  const identify = (call: ServerCall) => (call.route.rules.exempt ? ANONYMOUS : authenticate(call.incoming));
  const admit = (call: ServerCall, identity: Identity) => admitCall(call, identity, hooks, tracer);
  const failed = (call: ServerCall, error: unknown) => {
    // Nobody waits any more, and the handler was told to stop: that it did is no news.
    if (call.ended && isInterruption(error)) return;
    const place = () => ({ method: call.route.rules.path, traceId: traceIdOf(call.caller?.traceparent ?? '') });
    call.fail(toConnectError(error, log, place));
  };
  const succeed = (call: ServerCall, answer: unknown) => {
    if (call.ended) return;
    // Outside any handler's promise: what `create` throws would be an unhandled rejection.
    try {
      call.succeed(toMessage(call.route.method, answer));
    } catch (error) {
      failed(call, error);
    }
  };
  const later = (call: ServerCall, answer: PromiseLike<unknown>) =>
    void answer.then(
      (value) => {
        running.ended();
        succeed(call, value);
      },
      (error) => {
        running.ended();
        failed(call, error);
      },
    );
  const handle = (call: ServerCall, identity: Identity, request: Message) => {
    if (call.ended) return;
    running.begun();
    try {
      admit(call, identity);
      const answer = invoke(call, request);
      if (isThenable(answer)) return later(call, answer);
      succeed(call, answer);
    } catch (error) {
      failed(call, error);
    }
    running.ended();
  };
  return { begin, identify, admit, handle, failed, running, close: () => deadlines.close() };
}

/** Runs the handler, inside the tracing library's span if there is one. */
function invoke(call: ServerCall, request: unknown): unknown {
  const { span, route } = call;
  return span === undefined
    ? route.handler(request as never, call)
    : span.run(() => route.handler(request as never, call));
}

/** Authorization, rate limit and trace: throws the refusal, or leaves the call with its caller. */
function admitCall(call: ServerCall, identity: Identity, hooks: RpcHooks, tracer: Tracer): void {
  const { route, incoming } = call;
  const { rules } = route;
  const service = rules.exempt ? '' : authorize(rules, identity, incoming.header(EDGE) !== undefined);
  if (typeof service !== 'string') throw service;
  if (hooks.span !== undefined) call.span = hooks.span(route, incoming.header(TRACEPARENT));
  let traceparent = call.span?.traceparent;
  call.caller = new CallerOfCall(service, identity, incoming, () => {
    traceparent ??= tracer(incoming.header(TRACEPARENT));
    return traceparent;
  });
  const limited = route.limiter?.(identity.user?.id ?? incoming.header(CLIENT_ADDRESS) ?? incoming.peer);
  if (limited !== undefined) throw limited;
}

/** Handlers return plain initialisers or messages; messages pass untouched. */
function toMessage(method: DescMethod, answer: unknown): Message {
  if (typeof answer !== 'object' || answer === null) throw new TypeError('the handler returned no message');
  if ((answer as Message).$typeName !== undefined) return answer as Message;
  return create(method.output, answer as Record<string, unknown>);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}

async function* streamAnswers(
  call: ServerCall,
  requests: AsyncIterable<Message>,
  admit: () => Promise<void>,
  { failed, running }: { failed(call: ServerCall, error: unknown): void; readonly running: RunningHandlers },
): AsyncGenerator<Message> {
  const { method } = call.route;
  const aborted = new Promise<never>((_, reject) => {
    const abort = () => reject(call.signal.reason);
    if (call.signal.aborted) abort();
    else call.signal.addEventListener('abort', abort, { once: true });
  });
  aborted.catch(() => {});
  let answers: AsyncIterator<unknown> | undefined;
  try {
    if (call.ended) throw call.signal.reason;
    await admit();
    const request = method.methodKind === 'bidi_streaming' ? requests : await Promise.race([first(requests), aborted]);
    answers = (invoke(call, request) as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    running.begun();
    for (;;) {
      const next = await Promise.race([answers.next(), aborted]);
      if (next.done) break;
      yield toMessage(method, next.value);
    }
    call.succeed(undefined);
  } catch (error) {
    if (!call.ended) failed(call, error);
    throw call.signal.reason;
  } finally {
    // Also when the reader stopped early. Not awaited: a handler may be stuck in the await that was abandoned.
    call.cancel();
    if (answers !== undefined) Promise.resolve(answers.return?.()).then(running.ended, running.ended);
  }
}

async function first(requests: AsyncIterable<Message>): Promise<Message> {
  for await (const request of requests) return request;
  throw new ConnectError('the request is missing', Code.InvalidArgument);
}
