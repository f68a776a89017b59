// What a service is: a declaration of its contract, events, jobs and data. A host (host/host.ts) runs any set of
// them in one process; nothing in a service can tell which others share it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DescService } from '@bufbuild/protobuf';
import type { Client } from '@connectrpc/connect';
import type { ConfigOf, ConfigSpec } from './config.ts';
import type { ConsumerDefinition } from './events/consumer.ts';
import type { LiveEvents } from './events/live.ts';
import type { Publish } from './events/publish.ts';
import type { Topic } from './events/topic.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Database } from './postgres/database.ts';
import type { Readiness } from './readiness.ts';
import type { RpcService } from './rpc/implement.ts';
import type { Runtime } from './runtime.ts';
import type { Json, SagaDefinition } from './saga/define.ts';
import type { SagaRunner } from './saga/runner.ts';

/** Everything a service's code may reach. Handlers get it as an argument and import nothing of it. */
export interface ServiceContext<Config = unknown, Deps = unknown> extends Runtime {
  readonly service: string;
  readonly config: Config;
  /** What `setup` returned. */
  readonly deps: Deps;
  /** The service's own database. */
  readonly db: Database;
  /** Further databases that the definition declares, by name. */
  readonly databases: Readonly<Record<string, Database>>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly publish: Publish;
  /** A client of a service, in this process or another: the caller cannot tell. */
  client<S extends DescService>(service: S): Client<S>;
  /** Runs a job now instead of at its next turn. For `tx.afterCommit`. */
  wake(job: string): void;
  /** Events as they pass, without any promise: for live views. */
  readonly live: LiveEvents;
  /** Whether the process can serve, and why not. */
  readiness(): Readiness;
  /** Starts and advances instances of a saga that the definition declares. */
  saga<Data extends Json>(definition: SagaDefinition<Data>): SagaRunner<Data>;
}

/** Work that repeats. It must tolerate running in several replicas at once (`for update skip locked`). */
export interface JobDefinition<Context> {
  readonly name: string;
  /** Pause between two runs when nobody wakes it. */
  readonly everyMs: number;
  /** One run; returns whether there is more to do at once. The signal aborts when the host stops. */
  run(context: Context, signal: AbortSignal): Promise<boolean>;
}

/** An HTTP listener, for what is not gRPC. */
export interface HttpEndpoint {
  readonly port: number;
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
}

export interface ServiceDefinition<Spec extends ConfigSpec = ConfigSpec, Deps = unknown> {
  /** One lower-case word; also the database's, the role's and the mesh identity's name. */
  readonly name: string;
  readonly config: Spec;
  /** Folder of numbered SQL files; undefined when the service stores nothing. */
  readonly migrations?: URL;
  /** Further databases with their migrations, for a part that must stay apart (the sandbox's ledger). */
  readonly databases?: Readonly<Record<string, URL>>;
  /** Topics it owns: their outbox is here. */
  readonly publishes?: readonly Topic[];
  /** Those of them whose outbox is the event store of their aggregates: never deleted. */
  readonly eventStores?: readonly Topic[];
  /** Whether it listens to live events. */
  readonly live?: boolean;
  readonly consumers?: readonly ConsumerDefinition<ServiceContext<ConfigOf<Spec>, Deps>>[];
  readonly jobs?: readonly JobDefinition<ServiceContext<ConfigOf<Spec>, Deps>>[];
  /** Every version that instances may still run. */
  readonly sagas?: readonly SagaDefinition<never>[];
  /** Builds what the service's own code shares (keys, providers, mailers). Runs after migrations, before anything else. */
  setup?(context: ServiceContext<ConfigOf<Spec>, undefined>): Promise<Deps> | Deps;
  /** Releases what `setup` built. */
  teardown?(deps: Deps): Promise<void> | void;
  /** gRPC handlers. */
  rpc?(context: ServiceContext<ConfigOf<Spec>, Deps>): readonly RpcService[];
  /** Plain HTTP, served beside gRPC. */
  http?(context: ServiceContext<ConfigOf<Spec>, Deps>): HttpEndpoint;
  /** Further reason not to be ready, in a few words; undefined when all is well. */
  unready?(context: ServiceContext<ConfigOf<Spec>, Deps>): string | undefined;
}

/** Declares a service. The types of `config` and of what `setup` returns flow into every handler's context. */
export function defineService<const Spec extends ConfigSpec, Deps = undefined>(
  definition: ServiceDefinition<Spec, Deps>,
): ServiceDefinition<Spec, Deps> {
  if (!/^[a-z]+$/.test(definition.name))
    throw new Error(`service name must be one lower-case word: ${definition.name}`);
  for (const { name, owner } of definition.publishes ?? []) {
    if (owner !== definition.name) throw new Error(`${definition.name} cannot publish ${name}: ${owner} owns it`);
  }
  return definition;
}
