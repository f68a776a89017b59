// May this caller call this method? Decided from the contract's policy alone: which services, on whose behalf.
// Ownership of the data ("is this your order") is the handler's to check.
import { Code, type ConnectError } from '@connectrpc/connect';
import { Audience } from '@stoa/proto/stoa/policy/v1/policy_pb';
import type { User } from './caller.ts';
import { refuse } from './errors.ts';
import type { MethodRules } from './policy.ts';

/** Who calls, as proven by credentials. */
export interface Identity {
  /** Names of the calling service; a process that hosts several has them all. Empty when nothing was proven. */
  readonly services: readonly string[];
  readonly user: User | undefined;
  /** The user's verified access token. */
  readonly token: string | undefined;
}

/** The calling service by the name that the contract lists, or the refusal. `fromEdge`: forwarded for an outsider. */
export function authorize(rules: MethodRules, identity: Identity, fromEdge: boolean): string | ConnectError {
  const service = allowedService(rules, identity.services);
  if (service === undefined) return refuseService(rules, identity.services);
  return refuseUser(rules, identity.user, fromEdge) ?? service;
}

function allowedService(rules: MethodRules, services: readonly string[]): string | undefined {
  if (rules.callers.has('*')) return services[0];
  for (const service of services) if (rules.callers.has(service)) return service;
  return undefined;
}

function refuseService(rules: MethodRules, services: readonly string[]): ConnectError {
  const who = services.length === 0 ? 'a caller without a service credential' : services.join(',');
  return refuse(Code.PermissionDenied, 'CALLER_NOT_ALLOWED', `${who} may not call ${rules.path}`);
}

function refuseUser(rules: MethodRules, user: User | undefined, fromEdge: boolean): ConnectError | undefined {
  switch (rules.audience) {
    case Audience.PUBLIC:
      return undefined;
    case Audience.CUSTOMER:
      return user === undefined ? signInRequired() : undefined;
    case Audience.STAFF:
      if (user === undefined) return signInRequired();
      return user.role === 'staff' ? undefined : refuse(Code.PermissionDenied, 'STAFF_ONLY', 'this is for staff only');
    default:
      // INTERNAL, and anything a newer contract may say that this code does not know.
      if (!fromEdge && user === undefined && rules.audience === Audience.INTERNAL) return undefined;
      return refuse(
        Code.PermissionDenied,
        'CALLER_NOT_ALLOWED',
        `${rules.path} is internal: services call it for themselves, without a user`,
      );
  }
}

function signInRequired(): ConnectError {
  return refuse(Code.Unauthenticated, 'SIGN_IN_REQUIRED', 'sign in first');
}
