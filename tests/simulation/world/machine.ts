// A machine: the place of one process, which is started, dies and is started again. What host.ts is to a real process:
// it builds the services, connects them with each other and with those elsewhere, and runs their loops.

import type { Transport } from '@connectrpc/connect';
import { eventLogHandlers } from '@stoa/chassis/events/event-log';
import type { Topic } from '@stoa/chassis/events/topic';
import type { Failpoints } from '@stoa/chassis/failpoint';
import { PUBLISHER_BELL, startBackground } from '@stoa/chassis/host/background';
import { type AnyService, type BuiltService, buildService } from '@stoa/chassis/host/build-service';
import type { Connections } from '@stoa/chassis/host/connections';
import { createBells, createLoops } from '@stoa/chassis/host/loops';
import type { Log } from '@stoa/chassis/log';
import type { Metrics } from '@stoa/chassis/metrics';
import { createMetrics } from '@stoa/chassis/metrics';
import type { User } from '@stoa/chassis/rpc/caller';
import { type Clients, createClients } from '@stoa/chassis/rpc/clients';
import { createDispatcher, type Dispatcher } from '@stoa/chassis/rpc/dispatcher';
import { implement, type RpcService } from '@stoa/chassis/rpc/implement';
import { createInProcessTransport } from '@stoa/chassis/rpc/in-process-transport';
import { EventLogService } from '@stoa/proto/stoa/chassis/v1/event_log_pb';
import type { Kernel } from '../kernel/kernel.ts';
import type { Rng } from '../kernel/random.ts';
import type { Broker } from '../ports/bus.ts';
import { openSimulatedDatabase } from '../ports/database.ts';
import type { Network, Reachable } from '../ports/network.ts';
import { Incarnation, never } from '../ports/process.ts';
import type { DatabaseServer } from '../ports/server.ts';

export interface MachineOptions {
  readonly name: string;
  readonly services: readonly AnyService[];
  readonly env: Readonly<Record<string, string>>;
  readonly kernel: Kernel;
  readonly rng: Rng;
  readonly server: DatabaseServer;
  readonly broker: Broker;
  readonly network: Network;
  readonly log: Log;
  /** What a failpoint does in a process, by name: nothing, mostly. */
  readonly failpoint: (process: Incarnation, name: string) => Promise<void> | void;
  /** Told of something that must never happen. */
  readonly violation: (text: string) => void;
}

const nothing = () => {};
/** Nobody reads the figures of a simulated world. */
const NO_METRICS: Metrics = {
  ...createMetrics({ processMetrics: false }),
  count: nothing,
  observe: nothing,
  gauge: nothing,
  histogram: () => ({ labels: () => nothing }),
};

const RESTART_MS = { min: 200, max: 3000 };

/** A user's token, as the tests write it: what it says is believed. */
export const tokenOf = (user: User) => Buffer.from(JSON.stringify(user)).toString('base64url');

function handlersOf({ definition, context, rpc }: BuiltService): RpcService[] {
  const topics: readonly Topic[] = definition.publishes ?? [];
  if (topics.length === 0) return [...rpc];
  const names = topics.map(({ name }) => name);
  return [...rpc, { ...implement(EventLogService, eventLogHandlers(context.db, names)), owner: definition.name }];
}

export class Machine {
  readonly name: string;
  readonly services: readonly AnyService[];
  skewMs = 0;
  #options: MachineOptions;
  #process: Incarnation | undefined;
  #dispatcher: Dispatcher | undefined;
  #lives = 0;

  constructor(options: MachineOptions) {
    this.name = options.name;
    this.services = options.services;
    this.#options = options;
  }

  get process(): Incarnation | undefined {
    return this.#process;
  }

  hosts(service: string): boolean {
    return this.services.some(({ name }) => name === service);
  }

  reachable(): Reachable | undefined {
    const process = this.#process;
    const dispatcher = this.#dispatcher;
    return process === undefined || dispatcher === undefined || process.life === 'dead'
      ? undefined
      : { process, dispatcher };
  }

  /** Starts a new process here. One that cannot start is started again, as a supervisor would. */
  start(): void {
    const { kernel, rng, name, violation } = { ...this.#options };
    const process = new Incarnation(name, kernel, rng.fork(`life ${++this.#lives}`));
    process.skewMs = this.skewMs;
    process.onFuse = () => this.kill('at an await');
    process.onSpin = () => {
      violation(`${name} spins: it works without waiting for anything`);
      this.kill('for spinning');
    };
    this.#process = process;
    kernel.note(name, 'starts');
    this.#boot(process).catch((error) => {
      if (process.life === 'dead') return;
      kernel.note(name, `cannot start: ${(error as Error).message}`);
      this.kill('because it cannot start');
    });
  }

  kill(how: string, restartMs?: number): void {
    const { kernel, rng } = this.#options;
    if (this.#process === undefined || this.#process.life === 'dead') return;
    kernel.note(this.name, `dies ${how}`);
    this.#dispatcher = undefined;
    this.#process.kill();
    const pause = restartMs ?? rng.between(RESTART_MS.min, RESTART_MS.max);
    kernel.schedule(pause, this.name, 'is started again', () => this.start());
  }

  async #boot(process: Incarnation): Promise<void> {
    const { services, env, server, broker, log, failpoint } = this.#options;
    const runtime = process.runtime();
    const bells = createBells(runtime.clock);
    const loops = createLoops(runtime.clock, log);
    const bus = broker.connect(process);
    const failpoints: Failpoints = {
      hit: (name) => (process.enter() ? failpoint(process, name) : never()),
    };
    const connections = this.#connections(process, runtime);
    const built: BuiltService[] = [];
    for (const definition of services) {
      built.push(
        await buildService(definition, {
          env,
          runtime,
          log,
          metrics: NO_METRICS,
          failpoints,
          openDatabase: (database, service) =>
            openSimulatedDatabase({
              server,
              process,
              database,
              onPublished: () => bells(service, PUBLISHER_BELL).ring(),
            }),
          client: (contract, caller) => connections.client(caller, contract),
          live: () => ({ subscribe: () => nothing }),
          readiness: () => ({ ready: true, reasons: {} }),
          wake: (service, job) => bells(service, job).ring(),
        }),
      );
    }
    this.#dispatcher = connections.serve(built.flatMap(handlersOf));
    for (const service of built) {
      startBackground(service, {
        bus,
        connections,
        loops,
        bells,
        metrics: NO_METRICS,
        failpoints,
        instance: this.name,
      });
    }
  }

  #connections(process: Incarnation, runtime: ReturnType<Incarnation['runtime']>): Connections {
    const { network, log } = this.#options;
    const { clock, random } = runtime;
    const clients = new Map<string, Clients>();
    let local: Dispatcher | undefined;
    const transportFor = (caller: string, service: string): Transport => {
      if (!this.hosts(service)) return network.transport(process, caller, service);
      const here = () => createInProcessTransport(local as Dispatcher, caller);
      return { unary: (...call) => here().unary(...call), stream: (...call) => here().stream(...call) };
    };
    return {
      client: (caller, service, options) => {
        let found = clients.get(caller);
        if (found === undefined) {
          found = createClients({ transportFor: (name) => transportFor(caller, name), retries: 'app', clock, random });
          clients.set(caller, found);
        }
        return found(service, options);
      },
      serve(services) {
        local = createDispatcher({ services, authenticate, hooks: {}, clock, random, log });
        return local;
      },
      close: nothing,
    };
  }
}

type Authenticate = Parameters<typeof createDispatcher>[0]['authenticate'];

/** The network tells who calls; a token is believed, for identity is not what is simulated here. */
const authenticate: Authenticate = (call) => {
  const token = call.header('authorization')?.slice('Bearer '.length);
  const user = token === undefined ? undefined : (JSON.parse(Buffer.from(token, 'base64url').toString()) as User);
  return { services: call.service === undefined ? [] : [call.service], user, token };
};
