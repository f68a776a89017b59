// The methods that a dispatcher serves, each with its rules and its handler, found by path. Built once, at start; an
// incomplete contract or a collision stops the process there.
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Clock } from '../runtime.ts';
import { type CallHeaders, OWNER } from './headers.ts';
import type { RpcService } from './implement.ts';
import { type MethodRules, methodPolicy } from './policy.ts';
import { createRateLimiter, type RateLimiter } from './rate-limit.ts';
import type { ServerCall } from './server-call.ts';

/** A method that is served. */
export interface Route {
  readonly service: DescService;
  readonly method: DescMethod;
  readonly rules: MethodRules;
  readonly owner: string | undefined;
  readonly handler: (request: never, call: ServerCall) => unknown;
  readonly limiter: RateLimiter | undefined;
  /** Set when several owners serve the same contract. */
  byOwner: Map<string, Route> | undefined;
}

/** The route of the owner that the caller names; undefined when that owner is not here. */
export function ownedRoute(route: Route, call: CallHeaders): Route | undefined {
  if (route.owner === undefined) return route;
  const owner = call.header(OWNER);
  if (owner === undefined || owner === route.owner) return route;
  return route.byOwner?.get(owner);
}

export function registerRoutes(services: readonly RpcService[], clock: Clock): Map<string, Route> {
  const routes = new Map<string, Route>();
  for (const { service, implementation, owner } of services) {
    for (const method of service.methods) {
      const route = toRoute(service, method, implementation, owner, clock);
      const same = routes.get(route.rules.path);
      if (same === undefined) routes.set(route.rules.path, route);
      else shareByOwner(same, route);
    }
  }
  return routes;
}

function shareByOwner(first: Route, second: Route): void {
  if (first.owner === undefined || second.owner === undefined || first.byOwner?.has(second.owner)) {
    throw new Error(`${first.rules.path} is implemented twice`);
  }
  first.byOwner ??= new Map([[first.owner, first]]);
  first.byOwner.set(second.owner, second);
}

function toRoute(
  service: DescService,
  method: DescMethod,
  implementation: RpcService['implementation'],
  owner: string | undefined,
  clock: Clock,
): Route {
  const rules = methodPolicy(method);
  if (method.methodKind === 'client_streaming') throw new Error(`${rules.path}: client streaming is not supported`);
  const found = (implementation as Record<string, Route['handler'] | undefined>)[method.localName];
  const missing = () => {
    throw unimplemented(rules.path);
  };
  const handler = found?.bind(implementation) ?? missing;
  const limiter = rules.rateLimit && createRateLimiter(rules.rateLimit, clock);
  return { service, method, rules, owner, handler, limiter, byOwner: undefined };
}

export function unimplemented(what: string): ConnectError {
  return new ConnectError(`${what} is not implemented here`, Code.Unimplemented);
}
