// One world: a shop with its services, databases, broker, network and clients.
import type { TopicRecord } from '@stoa/chassis/events/envelope';
import { createKernel, type Kernel } from '../kernel/kernel.ts';
import { createRng, type Rng } from '../kernel/random.ts';
import { Broker } from '../ports/bus.ts';
import { Network } from '../ports/network.ts';
import type { Incarnation } from '../ports/process.ts';
import { createDatabaseServer, type DatabaseServer } from '../ports/server.ts';
import type { Store } from '../ports/store.ts';
import { createWorldLog, type WorldLog } from './log.ts';
import { Machine } from './machine.ts';
import { drawOptions, type Mode, type WorldOptions } from './options.ts';
import { SERVICES, schemas, tuned } from './services.ts';

export interface World {
  readonly options: WorldOptions;
  readonly kernel: Kernel;
  readonly rng: Rng;
  readonly server: DatabaseServer;
  readonly broker: Broker;
  readonly network: Network;
  readonly machines: readonly Machine[];
  readonly databases: readonly string[];
  readonly log: WorldLog;
  readonly violations: string[];
  readonly faults: Record<string, number>;
  /** Whether failpoints may act. */
  faulty: boolean;
  count(fault: string): void;
}

const DATABASES = schemas().map(({ name }) => name);
const FAILPOINT_ODDS = 0.004;

const environment = (options: WorldOptions): Record<string, string> => ({
  STOA_ORDER_TOKEN_SECRET: 'a secret of the simulated world, 32 letters',
  STOA_STOCK_HOLD_SECONDS: String(options.holdSeconds),
  STOA_PAYMENT_ACTION_SECONDS: String(options.paymentActionSeconds),
  STOA_PAYMENTS_CALL_DEADLINE_MS: String(options.callDeadlineMs),
  STOA_PAYMENTS_CONCURRENCY: String(options.concurrency),
  STOA_PAYMENTS_SANDBOX_LATE_MS: String(options.lateChargeMs),
  STOA_PAYMENTS_RECONCILE_EVERY_MS: String(options.reconcileEveryMs),
  STOA_PAYMENTS_RECONCILE_GRACE_MS: String(options.reconcileGraceMs),
});

const nameOf = (services: readonly string[], index: number) =>
  `p${index}:${services.length > 2 ? `${services.length}-services` : services.join('+')}`;

/** `more`: options that are not drawn. */
export function createWorld(store: Store, seed: number, mode: Mode, more: Partial<WorldOptions> = {}): World {
  const rng = createRng(`${seed} ${mode}`);
  const options = { ...drawOptions(seed, mode, rng.fork('options')), ...more };
  const kernel = createKernel();
  const faults: Record<string, number> = {};
  const count = (fault: string) => {
    faults[fault] = (faults[fault] ?? 0) + 1;
  };
  const machines: Machine[] = [];
  const replicas = (service: string) =>
    machines.flatMap((machine) => {
      const reachable = machine.hosts(service) ? machine.reachable() : undefined;
      return reachable === undefined ? [] : [reachable];
    });
  const world: World = {
    options,
    kernel,
    rng,
    server: createDatabaseServer(store, kernel, rng.fork('database'), count),
    broker: new Broker(kernel, rng.fork('broker'), options, count),
    network: new Network(kernel, rng.fork('network'), replicas, count),
    machines,
    databases: DATABASES,
    log: createWorldLog(kernel),
    violations: [],
    faults,
    faulty: false,
    count,
  };
  for (const [index, names] of options.layout.entries())
    machines.push(createMachine(world, nameOf(names, index), names));
  world.broker.onAck = (topic, consumer, message) => checkAck(world, topic, consumer, message);
  return world;
}

/** What is acknowledged will not come again, so it must be applied: the watermark, as committed, is at or past it. */
function checkAck(
  { server, violations }: World,
  topic: string,
  consumer: string,
  { epoch, record: { sequence } }: { readonly epoch: number; readonly record: TopicRecord },
): void {
  const service = consumer.slice(0, consumer.indexOf('.'));
  const { holder, store } = server;
  // The one connection cannot be asked while a transaction is open: then the consumer's own has what it began with, and
  // of another's nothing is known.
  if (holder !== undefined && holder.open?.database !== service) return;
  const at = (holder?.open?.committed ?? store.watermarks(service)).get(consumer) ?? 0n;
  if (at >= sequence) return;
  // Of an epoch that has ended nothing is waited for: the producer tells it again.
  const now = store.epochOf(topic.slice(0, topic.indexOf('.')), topic);
  if (now === undefined || epoch < now) return;
  violations.push(`I13: ${consumer} acknowledged ${sequence} before it was applied (it is at ${at})`);
}

function createMachine(world: World, name: string, names: readonly string[]): Machine {
  const { options, kernel, rng, server, broker, network, log } = world;
  const chances = rng.fork(`failpoints ${name}`);
  return new Machine({
    name,
    services: SERVICES.filter((service) => names.includes(service.name)).map((service) => tuned(service, options)),
    env: environment(options),
    kernel,
    rng: rng.fork(name),
    server,
    broker,
    network,
    log,
    failpoint: (process: Incarnation, point) => {
      if (!world.faulty || options.fuse === 0 || !chances.chance(FAILPOINT_ODDS)) return;
      world.count(`kill at failpoint ${point.replace(/\..*/, '')}`);
      process.onFuse();
      return new Promise<void>(() => {});
    },
    violation: (text) => void world.violations.push(text),
  });
}
