// A host runs any set of services in one process: it opens what they need, connects them with each other and with
// those elsewhere, runs their loops, and ends all of it in order.
import { createServer } from 'node:http';
import { EventLogService } from '@stoa/proto/stoa/chassis/v1/event_log_pb';
import { ConfigError, readConfig, redactedConfig } from '../config.ts';
import type { Bus } from '../events/bus.ts';
import { eventLogHandlers } from '../events/event-log.ts';
import type { InboxWorker } from '../events/inbox-worker.ts';
import type { LiveEvents } from '../events/live.ts';
import { liveEvents } from '../events/live-bus.ts';
import { connectNatsBus } from '../events/nats-bus.ts';
import type { Topic } from '../events/topic.ts';
import { createFailpoints, type Failpoints, NO_FAILPOINTS } from '../failpoint.ts';
import { createLog, type Log, type LogLevel } from '../log.ts';
import { createMetrics } from '../metrics.ts';
import { openPgDatabase, type PgDatabase } from '../postgres/pg-database.ts';
import type { Readiness } from '../readiness.ts';
import type { Dispatcher } from '../rpc/dispatcher.ts';
import { type GrpcServer, serveGrpc } from '../rpc/grpc-server.ts';
import { createHealthState } from '../rpc/health.ts';
import { implement, type RpcService } from '../rpc/implement.ts';
import { type Runtime, systemRuntime } from '../runtime.ts';
import { type HttpServer, listenHttp, serveAdmin } from './admin-http.ts';
import { PUBLISHER_BELL, startBackground } from './background.ts';
import { type AnyService, type BuiltService, buildService } from './build-service.ts';
import { type Connections, createConnections } from './connections.ts';
import { checkHostConfig, databaseVariable, type HostConfig, hostConfig } from './host-config.ts';
import { createBells, createLoops, type Loops } from './loops.ts';
import { followSplits } from './splits-file.ts';

export interface HostOptions {
  readonly services: readonly AnyService[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly runtime?: Runtime;
  readonly log?: Log;
}

export interface Host {
  readonly grpcPort: number;
  readonly adminPort: number;
  /** Ports of the services' HTTP endpoints, by service. */
  readonly httpPorts: Readonly<Record<string, number>>;
  readiness(): Readiness;
  /** Stops taking work, finishes what is in flight within the configured time, and closes everything. */
  stop(): Promise<void>;
}

/** What a process shares among its services, in the order in which it must be closed again. */
interface Shared {
  readonly config: HostConfig;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly databases: PgDatabase[];
  readonly loops: Loops;
  readonly connections: Connections;
  readonly bus: Bus | undefined;
  readonly failpoints: Failpoints;
}

/** For handlers whose calls were cut at the end of the drain: what they use is closed next. */
const LAST_MOMENT_MS = 1000;

const usesBroker = ({ publishes = [], consumers = [], live }: AnyService) =>
  publishes.length + consumers.length > 0 || live === true;

const NO_LIVE: LiveEvents = {
  subscribe() {
    throw new Error('this service does not declare `live`');
  },
};

/** Starts everything or throws, saying which service could not start and why; nothing is left running then. */
export async function startHost(options: HostOptions): Promise<Host> {
  const { services, env, runtime = systemRuntime() } = options;
  const config = readConfig(hostConfig, env);
  checkHostConfig(config);
  const log = options.log ?? createLog(config.logLevel as LogLevel);
  const metrics = createMetrics({ processMetrics: true, version: config.version });
  const settable = config.failpoints === undefined ? undefined : createFailpoints(config.failpoints, runtime.clock);
  const failpoints = settable ?? NO_FAILPOINTS;
  const bells = createBells(runtime.clock);
  const names = new Set(services.map(({ name }) => name));
  const loops = createLoops(runtime.clock, log);
  const splits = config.splits === undefined ? undefined : followSplits(config.splits, runtime.clock, log);
  if (splits !== undefined) loops.start('splits', splits.run);
  const shared: Shared = {
    config,
    runtime,
    log,
    databases: [],
    loops,
    connections: createConnections({ config, runtime, log, metrics, local: names, splits: splits?.of }),
    bus: services.some(usesBroker) ? await connectBus(config, names, runtime, log) : undefined,
    failpoints,
  };
  const { bus } = shared;
  const live = bus === undefined ? NO_LIVE : liveEvents(bus, log);
  const built: BuiltService[] = [];
  const closers: HttpServer[] = [];
  let dispatcher: Dispatcher | undefined;
  let grpc: GrpcServer | undefined;
  let stopping = false;
  const workers = new Map<string, InboxWorker[]>();
  const readiness = () => readinessOf(built, workers, stopping, bus?.lost());

  async function stop(): Promise<void> {
    stopping = true;
    const endsAtMs = runtime.clock.monotonicMs() + config.drainMs;
    // One part that cannot be closed must not keep the others open.
    const closed = (part: Promise<unknown> | undefined) =>
      part?.catch((error: unknown) => log.warn('a part could not be closed', { error }));
    const servers = closers.map((server) => closed(server.close(config.drainMs)));
    await Promise.all([closed(grpc?.drain(config.drainMs)), closed(shared.loops.stop()), ...servers]);
    // A caller in this process, a loop above all, leaves its call when told to stop; the handler goes on.
    const leftMs = endsAtMs - runtime.clock.monotonicMs();
    await closed(dispatcher?.idle(Math.max(LAST_MOMENT_MS, leftMs)));
    for (const service of built) await closed(service.teardown());
    shared.connections.close();
    await closed(bus?.close());
    await Promise.all(shared.databases.map((database) => closed(database.close())));
  }

  try {
    for (const definition of services) {
      built.push(
        await named(definition.name, () =>
          buildService(definition, {
            env,
            runtime,
            log,
            metrics,
            failpoints,
            openDatabase: (name, service) =>
              openDatabase(shared, name, env, () => bells(service, PUBLISHER_BELL).ring()),
            client: (contract, caller) => shared.connections.client(caller, contract),
            live: () => live,
            readiness,
            wake: (service, job) => bells(service, job).ring(),
          }),
        ),
      );
    }
    const health = createHealthState();
    dispatcher = shared.connections.serve(built.flatMap(handlersOf));
    grpc = await serveGrpc(dispatcher, { host: config.listenHost, port: config.grpcPort, health, log });
    for (const service of built) {
      const { instance, version } = config;
      workers.set(
        service.definition.name,
        startBackground(service, {
          bus,
          connections: shared.connections,
          loops: shared.loops,
          bells,
          metrics,
          failpoints,
          instance,
          version,
        }),
      );
    }
    const httpPorts = await openEndpoints(built, config, closers);
    const info = () => ({
      services: [...names],
      instance: config.instance,
      version: config.version,
      node: process.version,
      config: redactedConfig(hostConfig, config),
    });
    const admin = await serveAdmin({
      host: config.listenHost,
      port: config.adminPort,
      readiness,
      metrics,
      info,
      failpoints: settable,
    });
    closers.push(admin);
    for (const { typeName } of dispatcher.services) health.set(typeName, true);
    health.set('', true);
    return { grpcPort: grpc.port, adminPort: admin.port, httpPorts, readiness, stop };
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}

async function named<T>(service: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    throw new Error(`${service} cannot start: ${(error as Error).message}`, { cause: error });
  }
}

function connectBus(config: HostConfig, names: ReadonlySet<string>, { clock }: Runtime, log: Log): Promise<Bus> {
  const { natsUrl, natsReplicas, instance } = config;
  return connectNatsBus({
    url: natsUrl,
    name: `${[...names].join('+')}@${instance}`,
    replicas: natsReplicas,
    log,
    clock,
  });
}

function openDatabase(
  { databases, config, runtime, log, failpoints }: Shared,
  name: string,
  env: HostOptions['env'],
  onPublished: () => void,
): PgDatabase {
  const variable = databaseVariable(name);
  const url = env[variable];
  if (url === undefined) throw new ConfigError(`${variable} is not set (PostgreSQL database of ${name})`);
  const { clock, random } = runtime;
  const { poolMax } = config;
  // What the process writes is marked with it: `written_by`.
  const applicationName = `stoa-${name} ${config.version}`;
  const database = openPgDatabase({
    url,
    poolMax,
    applicationName,
    plans: 'by-key',
    log,
    clock,
    random,
    failpoints,
    onPublished,
  });
  databases.push(database);
  return database;
}

function handlersOf({ definition, context, rpc }: BuiltService): RpcService[] {
  const topics: readonly Topic[] = definition.publishes ?? [];
  if (topics.length === 0) return [...rpc];
  const names = topics.map(({ name }) => name);
  const eventLog = { ...implement(EventLogService, eventLogHandlers(context.db, names)), owner: definition.name };
  return [...rpc, eventLog];
}

/** Who sends a request slowly holds a connection, and no longer than this; answers may take as long as they like. */
const HTTP_LIMITS = { headersTimeout: 10_000, requestTimeout: 15_000, connectionsCheckingInterval: 5_000 };

async function openEndpoints(built: readonly BuiltService[], config: HostConfig, closers: HttpServer[]) {
  const ports: Record<string, number> = {};
  for (const { definition, http } of built) {
    if (http === undefined) continue;
    const server = await named(definition.name, () =>
      listenHttp(createServer(HTTP_LIMITS, http.handler), config.listenHost, http.port),
    );
    closers.push(server);
    ports[definition.name] = server.port;
  }
  return ports;
}

function readinessOf(
  built: readonly BuiltService[],
  workers: ReadonlyMap<string, readonly InboxWorker[]>,
  stopping: boolean,
  brokerLost: string | undefined,
): Readiness {
  const reasons: Record<string, string> = {};
  if (brokerLost !== undefined) reasons.broker = brokerLost;
  if (stopping) reasons.host = 'stopping';
  for (const { definition, context } of built) {
    const stuck = workers.get(definition.name)?.map((worker) => worker.stuck());
    const reason = definition.unready?.(context) ?? stuck?.find((why) => why !== undefined);
    if (reason !== undefined) reasons[definition.name] = reason;
  }
  return { ready: Object.keys(reasons).length === 0, reasons };
}
