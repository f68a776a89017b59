// Takes in a webhook. Its content is never believed: it only says where to look. What is owed of the payment becomes due
// at once, so that the provider is asked again under the same key; a payment at rest is compared with the provider's
// record. A forged, stale or repeated webhook can do no more than a wasted question.
import { sql } from '@stoa/chassis/postgres/sql';
import type { PaymentsContext } from '../../context.ts';
import { isPaymentId } from '../../domain/payment-id.ts';
import { hurryAttempts } from '../attempt-store.ts';
import type { SignedEvent, WebhookRequest } from '../provider.ts';
import { suspectAtRest } from '../reconcile/suspect-store.ts';

export type Receipt = 'accepted' | 'repeated' | 'forged' | 'stale';

/** How far the signed time may be from the database's clock, to either side. */
const TOLERANCE_SECONDS = 300;

/** Throws when the database is away: the provider then sends it again. */
export async function receiveWebhook(context: PaymentsContext, request: WebhookRequest): Promise<Receipt> {
  const { provider } = context.deps;
  const event = provider.readWebhook(request);
  const receipt = event === undefined ? 'forged' : await record(context, event);
  const labels = { provider: provider.name, receipt };
  context.metrics.count('payments_webhooks_total', 'Webhooks of the payment provider, by what became of them', labels);
  if (receipt === 'forged' || receipt === 'stale') context.log.warn('a webhook was refused', { reason: receipt });
  return receipt;
}

function record(context: PaymentsContext, event: SignedEvent): Promise<Receipt> {
  const { eventId, type, timestampSeconds } = event;
  const paymentId = isPaymentId(event.paymentId) ? event.paymentId : null;
  return context.db.transact(async (tx) => {
    const { fresh } = await tx.one(sql<{ fresh: boolean }>`
      select abs(extract(epoch from now()) - ${timestampSeconds}::bigint) <= ${TOLERANCE_SECONDS}::int as fresh`);
    if (!fresh) return 'stale';
    const inserted = await tx.run(sql`
      insert into webhook_event (provider, event_id, type, payment_id)
      values (${context.deps.provider.name}, ${eventId}, ${type}, ${paymentId}) on conflict do nothing`);
    if (inserted === 0) return 'repeated';
    if (paymentId === null) return 'accepted';
    const job = (await hurryAttempts(tx, [paymentId])) > 0 ? 'provider-calls' : 'reconcile';
    if (job === 'reconcile') await suspectAtRest(tx, paymentId);
    tx.afterCommit(() => {
      context.wake(job);
      if (job === 'provider-calls') context.deps.bell.ring();
    });
    return 'accepted';
  });
}
