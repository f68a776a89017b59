// What makes calls to another process survive its hiccups, on top of a network transport (cockatiel):
// - retries: only what the contract calls repeatable, only when Unavailable, at most 2, exponential backoff with full
//   jitter, within the call's own deadline, and within a budget of 10 % of all calls so that a struggling service is
//   not finished off by its clients;
// - a breaker for each target: after 10 calls in a row without service it fails at once for 2 s, then tries one call;
// - a bulkhead for each target: bounds what piles up here while it is slow.
// Passing through three policies costs a twentieth of a short call. So while the target is well (its last outcome was
// not a fault) calls go straight to the transport, counted; the first fault is reported to the policies and sends
// everybody through them until a call succeeds again.
//
// In a mesh, whose proxies do this, none of it applies (STOA_RETRIES=mesh): retries must not multiply.
import type { DescMethodUnary } from '@bufbuild/protobuf';
import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhenResult,
  type IBackoff,
  retry,
  TaskCancelledError,
} from 'cockatiel';
import type { Clock, Random } from '../runtime.ts';
import { refuse } from './errors.ts';
import { methodPolicy } from './policy.ts';

const RETRIES_MAX = 2;
const BACKOFF_BASE_MS = 50;
/** No retry starts with less than this left: it could only fail again, later. */
const RETRY_NEEDS_MS = 20;
const BUDGET_SHARE = 0.1;
const BUDGET_MAX = 10;
const BREAKER_FAILURES = 10;
const BREAKER_OPEN_MS = 2_000;
/** A call with a shorter deadline says nothing about its target when the deadline passes. */
const TELLING_DEADLINE_MS = 250;
/** Calls at once: so many straight, and as many through the bulkhead. */
const STRAIGHT_MAX = 256;
const CONCURRENT_MAX = 256;
const QUEUED_MAX = 512;

/** How an attempt ended: results instead of exceptions, so that the policies can judge each call by its own rules. */
interface Attempt {
  readonly response?: unknown;
  readonly error?: unknown;
  /** The target's fault: counts towards the breaker. */
  readonly fault: boolean;
  readonly again: boolean;
}

type Unary = Transport['unary'];
type UnaryArguments = Parameters<Unary>;

/** The unary half of a transport with retries, breaker and bulkhead. One instance for each target. */
export function createResilientUnary(unary: Unary, clock: Clock, random: Random): Unary {
  const budget = createBudget();
  const throughPolicies = createPolicies(random);
  let well = true;
  let straight = 0;

  const judge = (args: UnaryArguments, error: unknown, givenMs: number, deadlineAtMs: number): Attempt => {
    const code = error instanceof ConnectError ? error.code : Code.Unknown;
    const unavailable = code === Code.Unavailable;
    const fault = unavailable || (code === Code.DeadlineExceeded && givenMs >= TELLING_DEADLINE_MS);
    if (fault) well = false;
    const mayRepeat = unavailable && methodPolicy(args[0]).repeatable && !args[1]?.aborted;
    const timeLeft = deadlineAtMs - clock.monotonicMs() > RETRY_NEEDS_MS;
    return { error, fault, again: mayRepeat && timeLeft && budget.take() };
  };
  const attempt = async (args: UnaryArguments, deadlineAtMs: number): Promise<Attempt> => {
    const [method, signal, , header, input, values] = args;
    const left = deadlineAtMs - clock.monotonicMs();
    if (left <= 0) return { error: timedOut(), fault: false, again: false };
    try {
      const response = await unary(method as DescMethodUnary, signal, left, header, input, values);
      well = true;
      return { response, fault: false, again: false };
    } catch (error) {
      return judge(args, error, left, deadlineAtMs);
    }
  };
  return (async (...args: UnaryArguments) => {
    const [method, signal, timeoutMs, header, input, values] = args;
    const givenMs = timeoutMs ?? methodPolicy(method).deadlineMs ?? Infinity;
    const deadlineAtMs = clock.monotonicMs() + givenMs;
    budget.earn();
    let first: Attempt | undefined;
    if (well && straight < STRAIGHT_MAX) {
      straight += 1;
      try {
        return await unary(method as DescMethodUnary, signal, timeoutMs, header, input, values);
      } catch (error) {
        first = judge(args, error, givenMs, deadlineAtMs);
        if (!first.fault) throw error;
      } finally {
        straight -= 1;
      }
    }
    return throughPolicies(async () => {
      const known = first;
      first = undefined;
      return known ?? (await attempt(args, deadlineAtMs));
    }, signal);
  }) as Unary;
}

/** Retries around breaker around bulkhead; throws what the last attempt ended with. */
function createPolicies(random: Random) {
  const guarded = createGuard();
  const retries = retry(
    handleWhenResult((attempt) => (attempt as Attempt).again),
    { maxAttempts: RETRIES_MAX, backoff: { next: () => jitter(1, random) } },
  );
  return async (attempt: () => Promise<Attempt>, signal: AbortSignal | undefined): Promise<unknown> => {
    const ended = await retries.execute(() => guarded(attempt, signal));
    if (ended.error !== undefined) throw ended.error;
    return ended.response;
  };
}

/** Breaker around bulkhead, refusing with ConnectErrors. */
function createGuard() {
  const room = bulkhead(CONCURRENT_MAX, QUEUED_MAX);
  const breaker = circuitBreaker(
    handleWhenResult((attempt) => (attempt as Attempt).fault),
    { halfOpenAfter: BREAKER_OPEN_MS, breaker: new ConsecutiveBreaker(BREAKER_FAILURES) },
  );
  return async (attempt: () => Promise<Attempt>, signal: AbortSignal | undefined): Promise<Attempt> => {
    // cockatiel lets calls wait for the probe's outcome; a probe may take its whole deadline, so refuse instead.
    if (breaker.state === CircuitState.HalfOpen) return refusal(new BrokenCircuitError());
    try {
      return await breaker.execute(() => room.execute(attempt, signal), signal);
    } catch (error) {
      return refusal(error);
    }
  };
}

function refusal(error: unknown): Attempt {
  return { error: toRefusal(error), fault: false, again: false };
}

function toRefusal(error: unknown): unknown {
  if (error instanceof BrokenCircuitError) {
    return refuse(Code.Unavailable, 'CIRCUIT_OPEN', 'the service did not answer lately; not asking it for a moment');
  }
  if (error instanceof BulkheadRejectedError) {
    return refuse(Code.Unavailable, 'TOO_MANY_CALLS', 'too many calls to the service are already waiting');
  }
  if (error instanceof TaskCancelledError) return new ConnectError('the call was cancelled', Code.Canceled);
  return error;
}

function timedOut(): ConnectError {
  return new ConnectError('the deadline has passed', Code.DeadlineExceeded);
}

/** Full jitter: anywhere from 0 to twice the base for each attempt so far. */
function jitter(attempt: number, random: Random): IBackoff<unknown> {
  const duration = random.below(BACKOFF_BASE_MS * 2 ** attempt);
  return { duration, next: () => jitter(attempt + 1, random) };
}

function createBudget() {
  let tokens = BUDGET_MAX;
  return {
    earn() {
      tokens = Math.min(BUDGET_MAX, tokens + BUDGET_SHARE);
    },
    take(): boolean {
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
