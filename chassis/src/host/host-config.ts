// What a process, whichever services it hosts, reads from its environment.
import { ConfigError, type ConfigOf, optional, withDefault } from '../config.ts';

export const hostConfig = {
  natsUrl: withDefault('url', 'STOA_NATS_URL', 'nats://127.0.0.1:4222', { help: 'NATS server with JetStream' }),
  natsReplicas: withDefault('integer', 'STOA_NATS_REPLICAS', 1, { help: 'copies of each stream', min: 1, max: 5 }),
  listenHost: withDefault('string', 'STOA_LISTEN_HOST', '0.0.0.0', { help: 'address that ports are opened on' }),
  grpcPort: withDefault('integer', 'STOA_GRPC_PORT', 50051, { help: 'gRPC; 0 takes a free port', min: 0, max: 65535 }),
  adminPort: withDefault('integer', 'STOA_ADMIN_PORT', 9090, {
    help: 'health, metrics, info; 0 takes a free port',
    min: 0,
    max: 65535,
  }),
  peers: withDefault('string', 'STOA_PEERS', '', {
    help: 'where other services are, "orders=127.0.0.1:5001,…"; those not named are at <name>:50051',
  }),
  splits: optional('string', 'STOA_SPLITS', {
    help: 'a file of splits between services and their canaries, followed while it runs; where no mesh splits calls',
  }),
  identity: withDefault('string', 'STOA_IDENTITY', 'credential', {
    help: 'what proves a calling service: credential or mesh',
  }),
  meshNamespace: withDefault('string', 'STOA_MESH_NAMESPACE', 'stoa', { help: 'namespace of the service accounts' }),
  credential: optional('string', 'STOA_SERVICE_CREDENTIAL', {
    help: "this process's service credential",
    secret: true,
  }),
  trustKey: optional('string', 'STOA_TRUST_KEY', { help: 'public key that verifies service credentials' }),
  retries: withDefault('string', 'STOA_RETRIES', 'app', { help: 'who retries: app or mesh' }),
  instance: withDefault('string', 'STOA_INSTANCE', 'local', { help: 'name of this replica; leases are held under it' }),
  version: withDefault('string', 'STOA_VERSION', 'unversioned', {
    help: 'what is rolled out: a label of all metrics, by which a canary is told from what runs beside it',
  }),
  logLevel: withDefault('string', 'STOA_LOG_LEVEL', 'info', { help: 'debug, info, warn, error or silent' }),
  environment: withDefault('string', 'STOA_ENV', 'development', { help: 'development or production' }),
  failpoints: optional('string', 'STOA_FAILPOINTS', {
    help: 'moments at which to fail, or "none" to set them while it runs; never in production',
  }),
  drainMs: withDefault('integer', 'STOA_DRAIN_MS', 10_000, { help: 'time to finish on SIGTERM', min: 0, max: 600_000 }),
  poolMax: withDefault('integer', 'STOA_POOL_MAX', 6, {
    help: 'database connections of each service',
    min: 1,
    max: 100,
  }),
} as const;

export type HostConfig = ConfigOf<typeof hostConfig>;

/** Rules that one variable alone cannot break. */
export function checkHostConfig(config: HostConfig): void {
  const problems: string[] = [];
  const oneOf = (name: string, value: string, allowed: readonly string[]) => {
    if (!allowed.includes(value)) problems.push(`${name}: "${value}" must be one of ${allowed.join(', ')}`);
  };
  oneOf('STOA_IDENTITY', config.identity, ['credential', 'mesh']);
  oneOf('STOA_RETRIES', config.retries, ['app', 'mesh']);
  oneOf('STOA_LOG_LEVEL', config.logLevel, ['debug', 'info', 'warn', 'error', 'silent']);
  oneOf('STOA_ENV', config.environment, ['development', 'production']);
  if (config.environment === 'production' && config.failpoints !== undefined) {
    problems.push('STOA_FAILPOINTS must not be set in production');
  }
  if (problems.length > 0) throw new ConfigError(`the configuration has problems:\n  ${problems.join('\n  ')}`);
}

/** Addresses by service name. */
export function readPeers(text: string): ReadonlyMap<string, string> {
  const entries = text.split(',').filter((entry) => entry.trim() !== '');
  return new Map(
    entries.map((entry) => {
      const match = /^\s*([a-z]+)=(\S+:\d+)\s*$/.exec(entry);
      if (match === null) throw new ConfigError(`STOA_PEERS: cannot read "${entry}"; write name=host:port`);
      return [match[1] as string, match[2] as string];
    }),
  );
}

export const DATABASE_PREFIX = 'STOA_DATABASE_URL_';

/** The variable that holds a database's URL: STOA_DATABASE_URL_ORDERS. */
export function databaseVariable(name: string): string {
  return `${DATABASE_PREFIX}${name.toUpperCase()}`;
}
