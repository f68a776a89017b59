// Builds a service from its declaration: configuration, databases, context, what `setup` makes, handlers. Starts no
// loop and opens no port: the host does that, or a test that wants none.
import type { DescService } from '@bufbuild/protobuf';
import type { Client } from '@connectrpc/connect';
import { readConfig, type Setting } from '../config.ts';
import type { LiveEvents } from '../events/live.ts';
import { createPublish } from '../events/publish.ts';
import type { Topic } from '../events/topic.ts';
import type { Failpoints } from '../failpoint.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Database } from '../postgres/database.ts';
import type { Readiness } from '../readiness.ts';
import type { RpcService } from '../rpc/implement.ts';
import type { Runtime } from '../runtime.ts';
import { createSagaRunner } from '../saga/advance.ts';
import type { Json, SagaDefinition } from '../saga/define.ts';
import type { SagaRunner } from '../saga/runner.ts';
import type { HttpEndpoint, ServiceDefinition } from '../service.ts';

/** Any service, whatever its configuration and dependencies. */
// biome-ignore lint/suspicious/noExplicitAny: handlers are contravariant in the context, which only `defineService` knows
export type AnyService = ServiceDefinition<any, any>;
/** The context that any service's code accepts. */
export type AnyContext = Parameters<NonNullable<AnyService['rpc']>>[0];

/** What a process gives to the services it hosts. */
export interface ServiceEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly failpoints: Failpoints;
  /** Opens a database by name: the service's own, or a further one it declares. */
  openDatabase(name: string, service: string): Database;
  client<S extends DescService>(service: S, caller: string): Client<S>;
  live(): LiveEvents;
  readiness(): Readiness;
  wake(service: string, job: string): void;
}

export interface BuiltService {
  readonly definition: AnyService;
  readonly context: AnyContext;
  readonly rpc: readonly RpcService[];
  readonly http: HttpEndpoint | undefined;
  teardown(): Promise<void>;
}

const NO_DATABASE = new Proxy({} as Database, {
  get() {
    throw new Error('this service declares no migrations and so has no database');
  },
});

function sagaRunners(definition: AnyService, options: Parameters<typeof createSagaRunner>[1]) {
  const byName = new Map<string, SagaDefinition<Json>[]>();
  for (const saga of (definition.sagas ?? []) as unknown as SagaDefinition<Json>[]) {
    byName.set(saga.name, [...(byName.get(saga.name) ?? []), saga]);
  }
  const runners = new Map([...byName].map(([name, versions]) => [name, createSagaRunner(versions, options)]));
  return <Data extends Json>({ name }: SagaDefinition<Data>) => {
    const runner = runners.get(name);
    if (runner === undefined) throw new Error(`${definition.name} does not declare the saga ${name}`);
    return runner as unknown as SagaRunner<Data>;
  };
}

/** Throws when the configuration has problems or `setup` fails. */
export async function buildService(definition: AnyService, environment: ServiceEnvironment): Promise<BuiltService> {
  const { name } = definition;
  const { runtime, metrics, failpoints } = environment;
  const log = environment.log.with({ service: name });
  const topics = (definition.publishes ?? []) as readonly Topic[];
  const publish = createPublish(runtime.ids, new Set(topics.map((topic) => topic.name)));
  const base = {
    ...runtime,
    service: name,
    config: readConfig<Record<string, Setting>>(definition.config, environment.env),
    deps: undefined,
    db: definition.migrations === undefined ? NO_DATABASE : environment.openDatabase(name, name),
    databases: Object.fromEntries(
      Object.keys(definition.databases ?? {}).map((database) => [database, environment.openDatabase(database, name)]),
    ),
    log,
    metrics,
    publish,
    client: <S extends DescService>(service: S) => environment.client(service, name),
    wake: (job: string) => environment.wake(name, job),
    live: environment.live(),
    readiness: () => environment.readiness(),
    saga: sagaRunners(definition, { publish, ids: runtime.ids, log, metrics, failpoints }),
  };
  const deps: unknown = await definition.setup?.(base);
  const context: AnyContext = { ...base, deps };
  return {
    definition,
    context,
    rpc: definition.rpc?.(context) ?? [],
    http: definition.http?.(context),
    teardown: async () => definition.teardown?.(deps),
  };
}
