// A method's rules, read from its contract (`stoa.policy.v1.method` and `idempotency_level`). The dispatcher enforces
// them, the clients plan deadlines and retries by them. A stoa method without a policy is a programming error and
// fails at registration, so that nothing is ever served by accident. The gRPC project's own services (health,
// reflection) have no such option and are exempt.
import { type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel as Level } from '@bufbuild/protobuf/wkt';
import { Audience, type MethodPolicy, method as policyOption } from '@stoa/proto/stoa/policy/v1/policy_pb';

export interface MethodRules {
  /** `/stoa.orders.v1.OrdersService/GetOrder` */
  readonly path: string;
  /** True for services of the gRPC project: no caller, no audience, no limit. */
  readonly exempt: boolean;
  /** Longest time the method may take; undefined only for exempt streams, which last as long as their reader. */
  readonly deadlineMs: number | undefined;
  readonly audience: Audience;
  /** Names of the services that may call it; '*' stands for every service. */
  readonly callers: ReadonlySet<string>;
  /** The same request may be sent again: no side effects, idempotent, or it carries an idempotency key. */
  readonly repeatable: boolean;
  readonly rateLimit: { readonly perSecond: number; readonly burst: number } | undefined;
}

const EXEMPT_UNARY_DEADLINE_MS = 5_000;
const known = new WeakMap<DescMethod, MethodRules>();

/** The rules of a method; throws when the contract is incomplete. */
export function methodPolicy(method: DescMethod): MethodRules {
  let rules = known.get(method);
  if (rules === undefined) {
    rules = readRules(method);
    known.set(method, rules);
  }
  return rules;
}

function readRules(method: DescMethod): MethodRules {
  const path = `/${method.parent.typeName}/${method.name}`;
  if (method.parent.typeName.startsWith('grpc.')) return exemptRules(method, path);
  if (!hasOption(method, policyOption)) throw new Error(`${path} has no (stoa.policy.v1.method) option`);
  const policy = getOption(method, policyOption);
  const problem = problemOf(policy);
  if (problem !== undefined) throw new Error(`the policy of ${path} ${problem}`);
  const { rateLimit } = policy;
  return Object.freeze({
    path,
    exempt: false,
    deadlineMs: policy.deadlineMs,
    audience: policy.audience,
    callers: new Set(policy.callers),
    repeatable: policy.idempotencyKey || isIdempotent(method),
    rateLimit: rateLimit && { perSecond: rateLimit.perSecond, burst: rateLimit.burst },
  });
}

function exemptRules(method: DescMethod, path: string): MethodRules {
  return Object.freeze({
    path,
    exempt: true,
    deadlineMs: method.methodKind === 'unary' ? EXEMPT_UNARY_DEADLINE_MS : undefined,
    audience: Audience.PUBLIC,
    callers: new Set(['*']),
    repeatable: isIdempotent(method),
    rateLimit: undefined,
  });
}

function isIdempotent(method: DescMethod): boolean {
  return method.idempotency === Level.NO_SIDE_EFFECTS || method.idempotency === Level.IDEMPOTENT;
}

function problemOf(policy: MethodPolicy): string | undefined {
  if (policy.deadlineMs === 0) return 'states no deadline_ms';
  if (policy.audience === Audience.UNSPECIFIED) return 'states no audience';
  const limit = policy.rateLimit;
  if (limit !== undefined && (limit.perSecond === 0 || limit.burst === 0)) return 'has a rate limit of zero';
  return undefined;
}
