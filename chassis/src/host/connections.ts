// How the services of a process reach each other and those elsewhere, and how others reach them.
import type { DescService } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError, type Transport } from '@connectrpc/connect';
import { IdentityService } from '@stoa/proto/stoa/identity/v1/identity_pb';
import type { JSONWebKeySet } from 'jose';
import { ConfigError } from '../config.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { createAuthenticate, type ServiceIdentity } from '../rpc/authenticate.ts';
import { type ClientOptions, type Clients, createClients } from '../rpc/clients.ts';
import { createDispatcher, type Dispatcher } from '../rpc/dispatcher.ts';
import { createGrpcTransport, type GrpcTransport } from '../rpc/grpc-transport.ts';
import { metricHooks } from '../rpc/hooks.ts';
import type { RpcService } from '../rpc/implement.ts';
import { createInProcessTransport } from '../rpc/in-process-transport.ts';
import type { Splits } from '../rpc/split.ts';
import type { Runtime } from '../runtime.ts';
import { type HostConfig, readPeers } from './host-config.ts';

export interface ConnectionsOptions {
  readonly config: HostConfig;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Names of the services in this process. */
  readonly local: ReadonlySet<string>;
  /** Canaries to which calls are split here; undefined where the mesh does it. */
  readonly splits?: Splits | undefined;
}

export interface Connections {
  client<S extends DescService>(caller: string, service: S, options?: ClientOptions): Client<S>;
  /** Takes the local services' handlers; until then calls to them answer Unavailable. */
  serve(services: readonly RpcService[]): Dispatcher;
  close(): void;
}

const DEFAULT_GRPC_PORT = 50051;

function serviceIdentity(config: HostConfig): ServiceIdentity {
  if (config.identity === 'mesh') return { from: 'mesh', namespace: config.meshNamespace };
  return config.trustKey === undefined ? { from: 'transport' } : { from: 'credential', trustKey: config.trustKey };
}

/** Nothing is connected until the first call. */
export function createConnections({ config, runtime, log, metrics, local, splits }: ConnectionsOptions): Connections {
  const peers = readPeers(config.peers);
  const remote = new Map<string, GrpcTransport>();
  const clients = new Map<string, Clients>();
  let dispatcher: Dispatcher | undefined;

  const addressOf = (name: string) => peers.get(name) ?? `${name}:${DEFAULT_GRPC_PORT}`;

  function remoteTransport(address: string): GrpcTransport {
    let transport = remote.get(address);
    if (transport === undefined) {
      const inMesh = config.identity === 'mesh';
      transport = createGrpcTransport({
        address,
        credential: config.credential,
        ...(inMesh ? { keepalive: 'off' as const } : {}),
      });
      remote.set(address, transport);
    }
    return transport;
  }

  function clientsOf(caller: string): Clients {
    let found = clients.get(caller);
    if (found === undefined) {
      const { clock, random } = runtime;
      const retries = config.retries === 'mesh' ? 'mesh' : 'app';
      const transportFor = (name: string): Transport =>
        local.has(name) ? localTransport(() => dispatcher, caller) : remoteTransport(addressOf(name));
      const split = splits === undefined ? undefined : { of: splits, transportTo: remoteTransport };
      found = createClients({ transportFor, split, retries, clock, random });
      clients.set(caller, found);
    }
    return found;
  }

  // Keys are asked for as any of the services here: the method is open to all.
  const self = [...local][0];
  if (self === undefined) throw new ConfigError('a host needs at least one service');
  const keys = async () => {
    const { jwksJson } = await clientsOf(self)(IdentityService).getJwks({});
    return JSON.parse(jwksJson) as JSONWebKeySet;
  };

  return {
    client: (caller, service, options) => clientsOf(caller)(service, options),
    serve(services) {
      dispatcher = createDispatcher({
        services,
        authenticate: createAuthenticate({ clock: runtime.clock, services: serviceIdentity(config), keys }),
        hooks: metricHooks(metrics),
        clock: runtime.clock,
        random: runtime.random,
        log,
      });
      return dispatcher;
    },
    close() {
      dispatcher?.close();
      for (const transport of remote.values()) transport.close();
    },
  };
}

/** Handlers are built with clients already in hand, so the way to the local ones is found at the first call. */
function localTransport(dispatcher: () => Dispatcher | undefined, caller: string): Transport {
  let transport: Transport | undefined;
  const ready = (): Transport => {
    const served = dispatcher();
    if (served === undefined) throw new ConnectError('the service is starting', Code.Unavailable);
    transport ??= createInProcessTransport(served, caller);
    return transport;
  };
  return {
    unary: async (...call) => ready().unary(...call),
    stream: async (...call) => ready().stream(...call),
  };
}
