// The job that talks to the provider: leases due calls, makes them side by side, writes the answers in groups.
//
// - A call is made only under a lease, and only after its intent was committed: a crash at any moment ends in the same
//   call under the same key, once the lease has run out.
// - First calls and repetitions have lanes of their own (a bulkhead): payments that hang repeatedly can fill the
//   repetitions' lane and no more.
// - Answers that are there when the writer is free go into one transaction. When it fails they are dropped: the leases
//   run out and the provider says the same again.
import { gather } from '@stoa/chassis/gather';
import type { JobDefinition } from '@stoa/chassis/service';
import type { PaymentsContext } from '../context.ts';
import { ImpossibleEventError } from '../domain/evolve.ts';
import type { Outcome } from '../domain/payment.ts';
import { type AnswerInput, applyInputs } from './apply-inputs.ts';
import { type DueCall, leaseDue } from './attempt-store.ts';
import { callProvider } from './call-provider.ts';

export const providerCalls: JobDefinition<PaymentsContext> = {
  name: 'provider-calls',
  // The fallback: new work wakes the job, repetitions become due by the clock.
  everyMs: 250,
  run: runProviderCalls,
};

/** While calls are under way: how often to look for repetitions that have become due. */
const LOOK_MS = 100;
/** What a call may take beyond its deadline until its answer is written. */
const LEASE_MARGIN_MS = 5000;
/** When the host stops: how long answers may still arrive before the calls are cut off. */
const DRAIN_MS = 500;
const BATCH_MAX = 256;
/** From this age on an unsettled operation is reported as needing a person. */
const OVERDUE_SECONDS = 900;

interface Lane {
  readonly size: number;
  busy: number;
}

/** Runs until nothing is due and nothing is under way, or until the host stops. */
async function runProviderCalls(context: PaymentsContext, signal: AbortSignal): Promise<boolean> {
  const { concurrency, callDeadlineMs } = context.config;
  const repeats: Lane = { size: Math.ceil(concurrency / 4), busy: 0 };
  const fresh: Lane = { size: concurrency - repeats.size, busy: 0 };
  const cutOff = new AbortController();
  const record = gather({
    clock: context.clock,
    lanes: 1,
    batchMax: BATCH_MAX,
    keyOf: (item: AnswerInput) => item.orderId,
    // A payment whose row contradicts its answer holds up nobody but itself.
    isAboutOne: (error) => error instanceof ImpossibleEventError,
    run: async (batch) => {
      await context.db.transact((tx) => applyInputs(tx, context, batch));
      return batch.map(() => undefined);
    },
  });
  const underWay = new Set<Promise<void>>();
  const start = (due: DueCall, lane: Lane) => {
    lane.busy += 1;
    const settled = settle(context, due, cutOff.signal, record).finally(() => {
      lane.busy -= 1;
      underWay.delete(settled);
      context.deps.bell.ring();
    });
    underWay.add(settled);
  };
  try {
    while (!signal.aborted) {
      const wasIdle = underWay.size === 0;
      const due = await leaseDue(context.db, {
        fresh: fresh.size - fresh.busy,
        repeats: repeats.size - repeats.busy,
        leaseMs: callDeadlineMs + LEASE_MARGIN_MS,
      });
      for (const call of due) start(call, call.attempts === 1 ? fresh : repeats);
      // Nothing was due while all lanes were free. Had some been taken, what they kept out may be due still.
      if (underWay.size === 0 && wasIdle) return false;
      if (underWay.size > 0) await context.deps.bell.wait(LOOK_MS, signal);
    }
    return false;
  } finally {
    if (signal.aborted) void context.clock.sleep(DRAIN_MS, cutOff.signal).then(() => cutOff.abort());
    await Promise.all(underWay);
    cutOff.abort();
  }
}

async function settle(
  context: PaymentsContext,
  due: DueCall,
  stop: AbortSignal,
  record: (answer: AnswerInput) => Promise<undefined>,
): Promise<void> {
  const { provider } = context.deps;
  const startedMs = context.clock.monotonicMs();
  const outcome = await callProvider(provider, due, {
    clock: context.clock,
    deadlineMs: context.config.callDeadlineMs,
    stop,
  });
  if (outcome === undefined) return;
  measure(context, due, outcome, (context.clock.monotonicMs() - startedMs) / 1000);
  const { orderId, operation, attempts } = due;
  try {
    await record({ orderId, attempts, input: { kind: 'provider_answered', operation, outcome } });
  } catch (error) {
    context.log.warn('a provider answer was not written: its call will be repeated', { id: due.paymentId, error });
  }
}

function measure(context: PaymentsContext, due: DueCall, outcome: Outcome, seconds: number): void {
  const { operation, attempts, ageSeconds } = due;
  context.metrics.count('payments_provider_calls_total', 'Calls to the payment provider', {
    operation,
    outcome: outcome.kind,
  });
  context.metrics.observe('payments_provider_call_seconds', 'Duration of calls to the payment provider', seconds, {
    operation,
  });
  // Nor is waiting for the customer anything that a person could mend: orders' own timeout ends it.
  if (outcome.kind === 'approved' || outcome.kind === 'action_required') return;
  // A refused undo is repeated like a failed one.
  if (outcome.kind === 'declined' && (operation === 'authorize' || operation === 'capture')) return;
  if (ageSeconds < OVERDUE_SECONDS) return;
  context.metrics.count('payments_overdue_calls_total', 'Calls of operations unsettled for 15 minutes', { operation });
  context.log.error('a payment is still unsettled: a person should look', {
    id: due.paymentId,
    state: operation,
    attempt: attempts,
    reason: outcome.code,
  });
}
