// One service under test: its real handlers, consumers, jobs and SQL on a fresh real database, without broker, loops or
// ports. Other services are replaced by fakes that implement their contracts. For integration tests under vitest.
import {
  create,
  type DescMessage,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { type Client, createClient } from '@connectrpc/connect';
import { handleRecords, wantedOf } from '../events/apply.ts';
import type { ConsumerDefinition } from '../events/consumer.ts';
import type { Cause, Received, TopicRecord } from '../events/envelope.ts';
import type { LiveEvents } from '../events/live.ts';
import type { Topic } from '../events/topic.ts';
import { eventTypeOf } from '../events/topic.ts';
import { NO_FAILPOINTS } from '../failpoint.ts';
import { type AnyContext, type AnyService, buildService } from '../host/build-service.ts';
import { createLog, type LogLevel } from '../log.ts';
import { createMetrics } from '../metrics.ts';
import type { Database, Tx } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import type { User } from '../rpc/caller.ts';
import { createDispatcher } from '../rpc/dispatcher.ts';
import type { RpcService } from '../rpc/implement.ts';
import { createInProcessTransport } from '../rpc/in-process-transport.ts';
import { type Runtime, systemRuntime } from '../runtime.ts';
import { createTestDatabases } from './test-database.ts';

/** Every service name, so that a test may call whatever the contract lets anybody call. */
const EVERYBODY = 'bff cart catalog cli identity inventory notifications orders payments shipping'.split(' ');

export interface TestServiceOptions {
  /** A role that may create databases: `inject('postgresUrl')`. */
  readonly postgresUrl: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Implementations of other services' contracts. */
  readonly fakes?: readonly RpcService[];
  /** Replaces parts of the runtime, for example the clock. */
  readonly runtime?: Partial<Runtime>;
  /** @default 'error' */
  readonly logLevel?: LogLevel;
}

export interface TestMessage {
  readonly schema: DescMessage;
  readonly message: MessageShape<DescMessage>;
  readonly eventId?: string;
  readonly occurredAt?: Date;
}

export interface TestService {
  readonly context: AnyContext;
  readonly db: Database;
  /** Databases' URLs by name. */
  readonly urls: Readonly<Record<string, string>>;
  /** A client as another service would have it, on behalf of `user` or of a guest. */
  client<S extends DescService>(service: S, options?: { readonly user?: User }): Client<S>;
  /** Hands messages to a consumer, in order, as one batch in one transaction. */
  deliver(consumer: string, messages: readonly TestMessage[]): Promise<void>;
  /** What was published so far of one type, oldest first. */
  published<Desc extends DescMessage>(schema: Desc): Promise<MessageShape<Desc>[]>;
  /** The same with envelopes. */
  outbox(): Promise<
    { type: string; aggregateId: string; aggregateVersion: bigint | null; causationId: string | null }[]
  >;
  /** Runs a job once; whether it said there is more. */
  runJob(name: string): Promise<boolean>;
  /** Jobs that were woken since the last look. */
  woken(): string[];
  /** Feeds `context.live`. */
  emit<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): void;
  stop(): Promise<void>;
}

/** A message to deliver; `received(OrderPlacedSchema, { orderId, … })`. */
export function received<Desc extends DescMessage>(
  schema: Desc,
  init: MessageInitShape<Desc>,
  envelope: { readonly eventId?: string; readonly occurredAt?: Date } = {},
): TestMessage {
  return { schema, message: create(schema, init) as MessageShape<DescMessage>, ...envelope };
}

function fakeLive(runtime: Runtime) {
  const listeners = new Set<{ topic: string; listener: (event: Received<DescMessage>) => void }>();
  const live: LiveEvents = {
    subscribe(topic: Topic, listener) {
      const entry = { topic: topic.name, listener };
      listeners.add(entry);
      return () => listeners.delete(entry);
    },
  };
  const emit = (message: TestMessage) => {
    const record = toRecord(runtime, message, 1n);
    const event = { ...record, message: message.message, cause: { traceparent: '' } as Cause };
    for (const { topic, listener } of listeners) if (topic === eventTypeOf(message.schema).topic) listener(event);
  };
  return { live, emit };
}

function toRecord(
  runtime: Runtime,
  { schema, message, eventId, occurredAt }: TestMessage,
  sequence: bigint,
): TopicRecord {
  const type = eventTypeOf(schema);
  const fields = message as unknown as Record<string, unknown>;
  return {
    sequence,
    eventId: eventId ?? runtime.ids.uuid(),
    type: schema.typeName,
    aggregateId: fields[type.key.localName] as string,
    aggregateVersion: type.version === undefined ? 0n : (fields[type.version.localName] as bigint),
    payload: toBinary(schema, message),
    occurredAt: occurredAt ?? runtime.clock.now(),
    traceparent: '',
    causationId: '',
    canary: '',
  };
}

function encodeUser(user: User | undefined): Record<string, string> {
  return user === undefined
    ? {}
    : { authorization: `Bearer ${Buffer.from(JSON.stringify(user)).toString('base64url')}` };
}

function dispatcherFor(services: readonly RpcService[], runtime: Runtime, log: ReturnType<typeof createLog>) {
  return createDispatcher({
    services,
    authenticate: (call) => {
      const token = call.header('authorization')?.slice('Bearer '.length);
      const user = token === undefined ? undefined : (JSON.parse(Buffer.from(token, 'base64url').toString()) as User);
      return { services: EVERYBODY, user, token };
    },
    hooks: {},
    clock: runtime.clock,
    random: runtime.random,
    log,
  });
}

/** Builds the service on a fresh database. Call `stop()` in `afterAll`. */
export async function testService(definition: AnyService, options: TestServiceOptions): Promise<TestService> {
  const runtime = { ...systemRuntime(), ...options.runtime };
  const log = createLog(options.logLevel ?? 'error');
  const databases = await createTestDatabases({
    adminUrl: options.postgresUrl,
    runtime,
    log,
    databases: {
      [definition.name]: { folder: definition.migrations, chassis: true },
      ...Object.fromEntries(
        Object.entries(definition.databases ?? {}).map(([name, folder]) => [name, { folder, chassis: false }]),
      ),
    },
  });
  const woken: string[] = [];
  const { live, emit } = fakeLive(runtime);
  const fakes = dispatcherFor(options.fakes ?? [], runtime, log);
  const built = await buildService(definition, {
    env: options.env ?? {},
    runtime,
    log,
    metrics: createMetrics({ processMetrics: false }),
    failpoints: NO_FAILPOINTS,
    openDatabase: (name) => databases.open(name),
    client: (service, caller) => createClient(service, createInProcessTransport(fakes, caller)),
    live: () => live,
    readiness: () => ({ ready: true, reasons: {} }),
    wake: (_service, job) => woken.push(job),
  });
  const dispatcher = dispatcherFor(built.rpc, runtime, log);
  // A service without tables of its own still has an (empty) outbox here.
  const db = definition.migrations === undefined ? databases.open(definition.name) : built.context.db;

  return {
    context: built.context,
    db,
    urls: databases.urls,
    client(service, { user } = {}) {
      const transport = createInProcessTransport(dispatcher, 'test');
      const headers = encodeUser(user);
      return createClient(service, {
        unary: (method, signal, timeoutMs, header, input, values) =>
          transport.unary(method, signal, timeoutMs, { ...headers, ...(header as object) }, input, values),
        stream: transport.stream,
      });
    },
    async deliver(name, messages) {
      const consumers = (definition.consumers ?? []) as readonly ConsumerDefinition<AnyContext>[];
      const consumer = consumers.find((candidate) => candidate.name === name);
      if (consumer === undefined) throw new Error(`${definition.name} has no consumer ${name}`);
      const records = messages.map((message, index) => toRecord(runtime, message, BigInt(index + 1)));
      const wanted = records.flatMap((record) => wantedOf(consumer, record) ?? []);
      await db.transact((tx: Tx) => handleRecords(tx, consumer, wanted, built.context));
    },
    async published(schema) {
      const rows = await db.rows(sql<{ payload: Buffer }>`
        select payload from outbox where type = ${schema.typeName} order by id`);
      return rows.map(({ payload }) => fromBinary(schema, payload));
    },
    async outbox() {
      const rows = await db.rows(sql<{
        type: string;
        aggregate_id: string;
        version: bigint | null;
        cause: string | null;
      }>`
        select type, aggregate_id, aggregate_version as version, causation_id as cause from outbox order by id`);
      return rows.map((row) => ({
        type: row.type,
        aggregateId: row.aggregate_id,
        aggregateVersion: row.version,
        causationId: row.cause,
      }));
    },
    async runJob(name) {
      const job = definition.jobs?.find((candidate) => candidate.name === name);
      if (job === undefined) throw new Error(`${definition.name} has no job ${name}`);
      return job.run(built.context, new AbortController().signal);
    },
    woken: () => woken.splice(0),
    emit: (schema, init) => emit(received(schema, init)),
    async stop() {
      await built.teardown();
      fakes.close();
      dispatcher.close();
      await databases.drop();
    },
  };
}
