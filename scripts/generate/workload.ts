// A workload is a Deployment and the services that its pods host: one service each, or all of them in the monolith.
// Its name is also that of its pods' label, of its Kubernetes Service and, for one service, of its service account.
import { callersOf, type HttpPort, type MethodModel, type Model, type ServiceModel, usesBroker } from './model.ts';
import { MONOLITH } from './settings.ts';

export interface Workload {
  readonly name: string;
  readonly services: readonly ServiceModel[];
  readonly methods: readonly MethodModel[];
  /** Those that call it from outside its own pods. */
  readonly callers: readonly string[];
  readonly http: readonly HttpPort[];
  readonly usesBroker: boolean;
  readonly databases: readonly string[];
}

/** One Deployment for each service: what `dev`, `ci` and `prod` run. */
export function separateWorkloads(model: Model): Workload[] {
  return model.services.map((service) => workloadOf(service.name, [service]));
}

/** All services in one Deployment. */
export function monolith(model: Model): Workload {
  return workloadOf(MONOLITH, model.services);
}

function workloadOf(name: string, services: readonly ServiceModel[]): Workload {
  const inside = services.length === 1 ? new Set<string>() : new Set(services.map((service) => service.name));
  // Calls within a process never meet the mesh. EventLogService is served once for all owners of the process.
  const methods = new Map(services.flatMap((service) => service.methods).map((method) => [method.path, method]));
  const outside = [...methods.values()].map((method) => ({
    ...method,
    callers: method.callers.filter((caller) => !inside.has(caller)),
  }));
  return {
    name,
    services,
    methods: outside,
    callers: callersOf({ methods: outside }),
    http: services.flatMap(({ http }) => (http === undefined ? [] : [http])),
    usesBroker: services.some(usesBroker),
    databases: services.flatMap(({ databases }) => databases),
  };
}
