// What is generated from, on one page: each service with its methods and their rules, its topics and its consumers.
// The rules of a method come through the chassis' own `methodPolicy`: mesh and run time cannot read them differently.
import { type DescMessage, type DescMethod, hasOption } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel as Level } from '@bufbuild/protobuf/wkt';
import { eventTypeOf } from '@stoa/chassis/events/topic';
import type { AnyService } from '@stoa/chassis/host/build-service';
import { serviceNameOf } from '@stoa/chassis/rpc/clients';
import { type MethodRules, methodPolicy } from '@stoa/chassis/rpc/policy';
import { event as eventOption } from '@stoa/proto/stoa/policy/v1/policy_pb';
import type { Contracts } from './contracts.ts';
import { HTTP_PORTS, LIVE_TOPICS, OPERATOR } from './settings.ts';

export interface MethodModel {
  readonly desc: DescMethod;
  /** `/stoa.orders.v1.OrdersService/GetOrder` */
  readonly path: string;
  readonly rules: MethodRules;
  readonly deadlineMs: number;
  /** Names of all callers, sorted; '*' is spelt out. */
  readonly callers: readonly string[];
  /** What the mesh may repeat. Stricter than the chassis, which also repeats what carries an idempotency key. */
  readonly sideEffectFree: boolean;
}

export interface ConsumerModel {
  readonly name: string;
  readonly topic: string;
}

export interface HttpPort {
  readonly name: string;
  readonly port: number;
}

export interface ServiceModel {
  readonly name: string;
  readonly methods: readonly MethodModel[];
  readonly publishes: readonly string[];
  readonly consumes: readonly ConsumerModel[];
  readonly live: readonly string[];
  readonly databases: readonly string[];
  /** Its plain HTTP listener, for those from outside. */
  readonly http: HttpPort | undefined;
}

export interface TopicModel {
  readonly name: string;
  readonly owner: string;
  readonly messages: readonly DescMessage[];
}

export interface Model {
  readonly services: readonly ServiceModel[];
  readonly topics: readonly TopicModel[];
}

/** Served by every service that owns topics, beside its own contract. */
const SHARED_PACKAGE = 'chassis';

export function readModel(contracts: Contracts, definitions: readonly AnyService[]): Model {
  const everybody = [...definitions.map(({ name }) => name), OPERATOR].sort();
  const services = definitions
    .map((definition) => serviceModel(definition, contracts, everybody))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { services, topics: topicsOf(contracts, services) };
}

function serviceModel(definition: AnyService, contracts: Contracts, everybody: readonly string[]): ServiceModel {
  const { name, publishes = [], consumers = [], databases = {} } = definition;
  const served = contracts.services.filter((service) => {
    const owner = serviceNameOf(service);
    return owner === name || (owner === SHARED_PACKAGE && publishes.length > 0);
  });
  return {
    name,
    methods: served.flatMap(({ methods }) => methods.map((method) => methodModel(method, everybody))),
    publishes: publishes.map((topic) => topic.name).sort(),
    consumes: consumers
      .map((consumer) => ({ name: consumer.name, topic: consumer.topic.name }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    live: liveTopics(definition),
    databases: [...(definition.migrations === undefined ? [] : [name]), ...Object.keys(databases).sort()],
    http: httpPort(definition),
  };
}

function methodModel(desc: DescMethod, everybody: readonly string[]): MethodModel {
  const rules = methodPolicy(desc);
  const { path, deadlineMs, callers } = rules;
  if (deadlineMs === undefined) throw new Error(`${path} states no deadline`);
  const unknown = [...callers].filter((caller) => caller !== '*' && !everybody.includes(caller));
  if (unknown.length > 0) throw new Error(`${path} may be called by ${unknown.join(', ')}, which does not exist`);
  return {
    desc,
    path,
    rules,
    deadlineMs,
    callers: callers.has('*') ? everybody : [...callers].sort(),
    sideEffectFree: desc.idempotency === Level.NO_SIDE_EFFECTS,
  };
}

function httpPort({ name, http }: AnyService): HttpPort | undefined {
  if (http === undefined) return undefined;
  const port = HTTP_PORTS[name];
  if (port === undefined) throw new Error(`${name} serves HTTP: say on which port in HTTP_PORTS`);
  return port;
}

function liveTopics({ name, live }: AnyService): readonly string[] {
  if (live !== true) return [];
  const topics = LIVE_TOPICS[name];
  if (topics === undefined) throw new Error(`${name} listens to live events: say which in LIVE_TOPICS`);
  return topics;
}

/** Topics as the contracts define them; each must be published by the service that its name begins with. */
function topicsOf({ messages }: Contracts, services: readonly ServiceModel[]): TopicModel[] {
  const byTopic = Map.groupBy(
    messages.filter((message) => hasOption(message, eventOption)),
    (message) => eventTypeOf(message).topic,
  );
  const published = new Set(services.flatMap(({ publishes }) => publishes));
  const wanted = services.flatMap(({ consumes, live }) => [...consumes.map(({ topic }) => topic), ...live]);
  for (const name of [...byTopic.keys(), ...wanted]) {
    if (!published.has(name)) throw new Error(`nobody publishes ${name}`);
  }
  return [...byTopic]
    .map(([name, found]) => ({ name, owner: name.slice(0, name.indexOf('.')), messages: found }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The services that call a service. */
export function callersOf({ methods }: Pick<ServiceModel, 'methods'>): string[] {
  return [...new Set(methods.flatMap(({ callers }) => callers))].sort();
}

export function usesBroker({ publishes, consumes, live }: ServiceModel): boolean {
  return publishes.length + consumes.length + live.length > 0;
}
