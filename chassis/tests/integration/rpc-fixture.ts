// A server with real sockets for the handlers that a test gives, and a way to call them as a service.
import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient } from '@connectrpc/connect';
import { createLog } from '../../src/log.ts';
import { createAuthenticate } from '../../src/rpc/authenticate.ts';
import { createCredentialKeys, signServiceCredential } from '../../src/rpc/credentials.ts';
import { createDispatcher, type Dispatcher } from '../../src/rpc/dispatcher.ts';
import { type GrpcServer, serveGrpc } from '../../src/rpc/grpc-server.ts';
import { createGrpcTransport, type GrpcTransport } from '../../src/rpc/grpc-transport.ts';
import type { HealthState } from '../../src/rpc/health.ts';
import { implement, type RpcService } from '../../src/rpc/implement.ts';
import { createInProcessTransport } from '../../src/rpc/in-process-transport.ts';
import { systemRuntime } from '../../src/runtime.ts';

export const HOST = '127.0.0.1';
const log = createLog('silent');
const keys = await createCredentialKeys();

export function credentialOf(...services: string[]): Promise<string> {
  return signServiceCredential(keys.signingKey, services);
}

/** Handlers of some methods of a service; the others answer Unimplemented. */
export function partly<S extends DescService>(service: S, handlers: object): RpcService {
  return implement(service, handlers as never);
}

export function dispatch(...services: RpcService[]): Dispatcher {
  const { clock, random } = systemRuntime();
  const authenticate = createAuthenticate({ clock, services: { from: 'credential', trustKey: keys.trustKey } });
  return createDispatcher({ services, authenticate, hooks: {}, clock, random, log });
}

export function listen(dispatcher: Dispatcher, port = 0, health?: HealthState): Promise<GrpcServer> {
  return serveGrpc(dispatcher, { host: HOST, port, log, ...(health && { health }) });
}

/** A channel to a port, calling as `caller`; undefined sends no credential. */
export async function connect(port: number, caller: string | undefined): Promise<GrpcTransport> {
  const credential = caller === undefined ? undefined : await credentialOf(caller);
  return createGrpcTransport({ address: `${HOST}:${port}`, credential });
}

export const WAYS = ['grpc', 'in process'] as const;

export interface Reached<S extends DescService> {
  readonly client: Client<S>;
  close(): Promise<void>;
}

/** A client of a service over the network or in this process: the tests must not see a difference. */
export async function reach<S extends DescService>(
  way: (typeof WAYS)[number],
  service: S,
  handlers: object,
  caller = 'bff',
): Promise<Reached<S>> {
  const dispatcher = dispatch(partly(service, handlers));
  if (way === 'in process') {
    const client = createClient(service, createInProcessTransport(dispatcher, caller));
    return { client, close: async () => dispatcher.close() };
  }
  const server = await listen(dispatcher);
  const transport = await connect(server.port, caller);
  const close = async () => {
    transport.close();
    await server.drain(1_000);
    dispatcher.close();
  };
  return { client: createClient(service, transport), close };
}
