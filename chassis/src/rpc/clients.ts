// Clients of services, wherever they run: connect clients over the transport that the host chose for the target.
import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient, type Transport } from '@connectrpc/connect';
import type { Clock, Random } from '../runtime.ts';
import { type HeadersInit, OWNER } from './headers.ts';
import { createResilientUnary } from './resilience.ts';
import { createSplitTransport, type Splits } from './split.ts';

export interface ClientsOptions {
  /** The transport to a service by its name ('orders'); never a new one for the same name. */
  readonly transportFor: (serviceName: string) => Transport;
  /** Canaries beside services on the network, where no mesh splits the calls. */
  readonly split?: { readonly of: Splits; readonly transportTo: (address: string) => Transport } | undefined;
  /** Who retries: this process, or the mesh around it. Calls within the process are never retried. */
  readonly retries: 'app' | 'mesh';
  readonly clock: Clock;
  readonly random: Random;
}

export interface ClientOptions {
  /** Whose instance of a contract that several services serve: `client(EventLogService, { of: 'orders' })`. */
  readonly of?: string;
}

export type Clients = <S extends DescService>(service: S, options?: ClientOptions) => Client<S>;

/** The name of the service that owns a contract: `stoa.orders.v1.OrdersService` belongs to 'orders'. */
export function serviceNameOf(service: DescService): string {
  const name = service.file.proto.package.split('.')[1];
  if (name === undefined) throw new Error(`${service.typeName}: no service name in its package`);
  return name;
}

export function createClients(options: ClientsOptions): Clients {
  const transports = new Map<string, Transport>();
  const clients = new Map<string, Client<DescService>>();
  const transportOf = (name: string): Transport => {
    let transport = transports.get(name);
    if (transport === undefined) {
      transport = withResilience(options.transportFor(name), options);
      transports.set(name, transport);
    }
    return transport;
  };
  const canaries = new Map<string, Transport>();
  // Breaker and bulkhead are the canary's own: when it fails, stable calls pass.
  const canaryAt = (address: string): Transport => {
    const found = canaries.get(address) ?? withResilience(options.split?.transportTo(address) as Transport, options);
    canaries.set(address, found);
    return found;
  };
  const splitOf = (name: string): Transport => {
    const stable = transportOf(name);
    if (options.split === undefined || !('network' in options.transportFor(name))) return stable;
    return createSplitTransport({
      service: name,
      stable,
      canaryAt,
      splits: options.split.of,
      random: options.random,
    });
  };
  return <S extends DescService>(service: S, { of }: ClientOptions = {}) => {
    const key = `${service.typeName} ${of ?? ''}`;
    let client = clients.get(key);
    if (client === undefined) {
      // Whose instance of the chassis' own contract it is matters, not which version.
      const transport = of === undefined ? splitOf(serviceNameOf(service)) : withOwner(transportOf(of), of);
      client = createClient(service as DescService, transport);
      clients.set(key, client);
    }
    return client as Client<S>;
  };
}

function withResilience(transport: Transport, { retries, clock, random }: ClientsOptions): Transport {
  if (retries === 'mesh' || !('network' in transport)) return transport;
  return {
    unary: createResilientUnary(transport.unary, clock, random),
    stream: transport.stream,
  };
}

/** Names the owner on every call, because several may answer at the same place. */
function withOwner(transport: Transport, owner: string): Transport {
  const named = (init: HeadersInit | undefined): Headers => {
    const headers = new Headers(init);
    headers.set(OWNER, owner);
    return headers;
  };
  return {
    unary: (method, signal, timeoutMs, headers, input, values) =>
      transport.unary(method, signal, timeoutMs, named(headers), input, values),
    stream: (method, signal, timeoutMs, headers, input, values) =>
      transport.stream(method, signal, timeoutMs, named(headers), input, values),
  };
}
