// Gives back what lies at the provider under a dead payment, or under a second record of a living one. The key is made of
// the finding, so that repetitions do it once; a charge that comes back again is another finding with another key.
import type { PaymentsContext } from '../../context.ts';
import { type Payment, providerKey } from '../../domain/payment.ts';
import type { ProviderRecord } from '../../domain/reconcile.ts';
import { bookReturn } from '../ledger-store.ts';
import type { ProviderRequest } from '../provider.ts';
import { readAnswer } from '../read-answer.ts';
import { noteRemedy, type OpenFinding } from './finding-store.ts';

/** Whether it is settled as far as the provider says. */
export async function applyRemedy(
  context: PaymentsContext,
  payment: Payment | undefined,
  { id, isNew, finding }: OpenFinding,
): Promise<boolean> {
  const { remedy, paymentId } = finding;
  if (remedy === undefined || payment === undefined) return false;
  const { operation, record } = remedy;
  const amountMinor = operation === 'refund' ? record.capturedMinor - record.refundedMinor : record.amountMinor;
  const request: ProviderRequest = {
    paymentId,
    key: `${paymentId}:${operation}:finding-${id}`,
    orderId: payment.orderId,
    amountMinor,
    currency: record.currency,
    reference: record.reference,
    isRepetition: !isNew,
    ageSeconds: 0,
  };
  const outcome = readAnswer(operation, request, await call(context, operation, request));
  const isDone = outcome.kind === 'approved';
  await context.db.transact(async (tx) => {
    await noteRemedy(
      tx,
      id,
      outcome.kind === 'approved' || outcome.kind === 'action_required' ? outcome.kind : outcome.code,
    );
    if (!isDone || operation !== 'refund') return;
    const keys = { captureKey: captureKeyOf(payment, record), refundKey: request.key };
    await bookReturn(tx, context.deps.provider.name, payment, { ...request, ...keys });
  });
  return isDone;
}

/** The key by which our books have the capture, or are to have it. */
function captureKeyOf({ paymentId, reference, capturedMinor }: Payment, record: ProviderRecord): string {
  if (record.captureKey !== '') return record.captureKey;
  // A capture of our own, whose refund has failed after it had been told and booked.
  if (record.reference === reference && capturedMinor > 0n) return providerKey(paymentId, 'capture');
  return `${record.reference}:capture`;
}

/** Under the deadline of any other call; without an answer it is simply tried again. */
async function call(
  context: PaymentsContext,
  operation: 'void' | 'refund',
  request: ProviderRequest,
): Promise<unknown> {
  const over = new AbortController();
  const deadline = context.clock
    .sleep(context.config.callDeadlineMs, over.signal)
    .then(() => ({ kind: 'unknown', code: 'DEADLINE_EXCEEDED' }));
  const failed = () => ({ kind: 'unknown', code: 'CALL_FAILED' });
  try {
    return await Promise.race([context.deps.provider[operation](request, over.signal).catch(failed), deadline]);
  } finally {
    over.abort();
  }
}
