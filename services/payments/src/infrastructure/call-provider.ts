// One call to the provider, under a deadline. Whatever happens, it ends with an outcome: what cannot be read as an
// answer is `unknown`, never "not done".
import type { Clock } from '@stoa/chassis/runtime';
import { type Outcome, providerKey } from '../domain/payment.ts';
import type { DueCall } from './attempt-store.ts';
import type { PaymentProvider, ProviderRequest } from './provider.ts';
import { readAnswer } from './read-answer.ts';

export interface CallOptions {
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** Cuts the call off without an outcome. */
  readonly stop: AbortSignal;
}

const TIMED_OUT: Outcome = { kind: 'unknown', code: 'DEADLINE_EXCEEDED' };
const FAILED: Outcome = { kind: 'unknown', code: 'CALL_FAILED' };

/** The provider's answer; undefined when `stop` came first: the lease then runs out and the same call is made again. */
export async function callProvider(
  provider: PaymentProvider,
  due: DueCall,
  options: CallOptions,
): Promise<Outcome | undefined> {
  const { clock, deadlineMs, stop } = options;
  const over = new AbortController();
  const end = () => over.abort();
  stop.addEventListener('abort', end);
  try {
    const deadline = clock.sleep(deadlineMs, over.signal).then(() => TIMED_OUT);
    const request = requestOf(due);
    const answered = send(provider, due, request, over.signal).then((said) => readAnswer(due.operation, request, said));
    const outcome = await Promise.race([answered, deadline]);
    return stop.aborted && outcome === TIMED_OUT ? undefined : outcome;
  } catch {
    return stop.aborted ? undefined : FAILED;
  } finally {
    over.abort();
    stop.removeEventListener('abort', end);
  }
}

function requestOf(due: DueCall): ProviderRequest {
  const { paymentId, operation, orderId, amountMinor, currency, reference, attempts, ageSeconds } = due;
  const key = providerKey(paymentId, operation);
  return { paymentId, key, orderId, amountMinor, currency, reference, isRepetition: attempts > 1, ageSeconds };
}

async function send(
  provider: PaymentProvider,
  { operation, methodId, token }: DueCall,
  request: ProviderRequest,
  signal: AbortSignal,
): Promise<unknown> {
  switch (operation) {
    case 'authorize':
      return provider.authorize({ ...request, methodId, token }, signal);
    case 'capture':
      return provider.capture(request, signal);
    case 'void':
      return provider.void(request, signal);
    case 'refund':
      return provider.refund(request, signal);
    default:
      return operation satisfies never;
  }
}
