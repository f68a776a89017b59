// The whole BFF on a port of its own, with fakes in place of the services. Calls to the fakes pass the chassis' real
// chain: authentication of real signed tokens, audiences, callers, deadlines, error mapping.
import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import type { Received } from '@stoa/chassis/events/envelope';
import type { LiveEvents } from '@stoa/chassis/events/live';
import { eventTypeOf } from '@stoa/chassis/events/topic';
import { NO_FAILPOINTS } from '@stoa/chassis/failpoint';
import { type AnyService, buildService } from '@stoa/chassis/host/build-service';
import { createLog } from '@stoa/chassis/log';
import { createMetrics } from '@stoa/chassis/metrics';
import { createAuthenticate } from '@stoa/chassis/rpc/authenticate';
import type { User } from '@stoa/chassis/rpc/caller';
import { createDispatcher } from '@stoa/chassis/rpc/dispatcher';
import type { RpcService } from '@stoa/chassis/rpc/implement';
import { createInProcessTransport } from '@stoa/chassis/rpc/in-process-transport';
import { type Clock, systemRuntime } from '@stoa/chassis/runtime';
import { bff } from '../src/service.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const KEYS = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'test', alg: 'EdDSA', use: 'sig' }] };

/** An access token as identity signs them; already over with a negative time to live. */
export function accessToken(user: User, ttlSeconds = 600): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = part({ alg: 'EdDSA', typ: 'at+jwt', kid: 'test' });
  const claims = { iss: 'stoa', aud: 'stoa', sub: user.id, role: user.role, iat: now - 60, exp: now + ttlSeconds };
  const signed = `${header}.${part(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the query selects
  readonly data: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly errors: any[] | undefined;
}

interface GraphQLOptions {
  readonly variables?: object;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface BffUnderTest {
  readonly url: string;
  graphql(query: string, options?: GraphQLOptions): Promise<Answer>;
  /** An event as it passes on the bus. */
  emit<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): void;
  /** Listeners on the bus right now. */
  listeners(): number;
  /** Metrics in Prometheus form. */
  metrics(): Promise<string>;
  /** What was logged. */
  readonly logged: string[];
  /** Ends the event streams, as the host does when it stops. */
  endStreams(): Promise<unknown>;
  stop(): Promise<void>;
}

interface Options {
  readonly fakes?: readonly RpcService[];
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly ready?: boolean;
}

function fakeBus() {
  const listeners = new Set<(event: Received<DescMessage>) => void>();
  const live: LiveEvents = {
    subscribe(_topic, listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const emit = <Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>) => {
    const message = create(schema, init) as unknown as Record<string, unknown>;
    const { key, version } = eventTypeOf(schema);
    const event = {
      message,
      aggregateId: message[key.localName],
      aggregateVersion: message[version?.localName ?? ''],
    } as unknown as Received<DescMessage>;
    for (const listener of listeners) listener(event);
  };
  return { live, emit, listeners };
}

function buildBff({ fakes = [], env = {}, clock, ready = true }: Options, logged: string[], live: LiveEvents) {
  const system = systemRuntime();
  const log = createLog('info', { write: (line) => logged.push(line) });
  const dispatcher = createDispatcher({
    services: fakes,
    authenticate: createAuthenticate({
      clock: system.clock,
      services: { from: 'transport' },
      keys: async () => KEYS as never,
    }),
    hooks: {},
    clock: system.clock,
    random: system.random,
    log,
  });
  return buildService(bff as AnyService, {
    env: { PORT: '0', ...env },
    runtime: { ...system, clock: clock ?? system.clock },
    log,
    metrics: createMetrics({ processMetrics: false }),
    failpoints: NO_FAILPOINTS,
    openDatabase: () => {
      throw new Error('the BFF has no database');
    },
    client: (service, caller) => createClient(service, createInProcessTransport(dispatcher, caller)),
    live: () => live,
    readiness: () => ({ ready, reasons: ready ? {} : { orders: 'no database' } }),
    wake: () => {},
  });
}

/** Starts it; call `stop()` afterwards. */
export async function startBff(options: Options = {}): Promise<BffUnderTest> {
  const bus = fakeBus();
  const logged: string[] = [];
  const built = await buildBff(options, logged, bus.live);
  const server = createServer(built.http?.handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stopped = new AbortController();
  stopped.abort();
  return {
    url,
    logged,
    emit: bus.emit,
    metrics: () => built.context.metrics.text(),
    listeners: () => bus.listeners.size,
    endStreams: async () => built.definition.jobs?.[0]?.run(built.context, stopped.signal),
    graphql: (query, graphqlOptions) => ask(`${url}/graphql`, query, graphqlOptions),
    async stop() {
      await built.teardown();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function ask(
  url: string,
  query: string,
  { variables, token, headers = {} }: GraphQLOptions = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
  });
  return readAnswer(response);
}

/** Reads an answer, whatever it is. */
export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const json = text.startsWith('{') ? JSON.parse(text) : {};
  return { status: response.status, headers: response.headers, text, data: json.data, errors: json.errors };
}
