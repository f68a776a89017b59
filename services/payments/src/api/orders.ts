// Orders' commands. They are only written down here; calling the provider is the business of provider-calls.ts.
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { consumer, on } from '@stoa/chassis/events/consumer';
import type { Received } from '@stoa/chassis/events/envelope';
import { topic } from '@stoa/chassis/events/topic';
import type { Tx } from '@stoa/chassis/postgres/database';
import {
  AuthorizePaymentSchema,
  CancelPaymentSchema,
  CapturePaymentSchema,
  file_stoa_payments_v1_commands,
} from '@stoa/proto/stoa/payments/v1/commands_pb';
import type { PaymentsContext } from '../context.ts';
import type { Command } from '../domain/payment.ts';
import { applyInputs } from '../infrastructure/apply-inputs.ts';

export const followOrders = consumer<PaymentsContext>({
  name: 'payments.orders',
  topic: topic('orders.payments-commands', file_stoa_payments_v1_commands),
  on: [
    on(AuthorizePaymentSchema, (tx, batch, context) => obey(tx, batch, context, readAuthorize)),
    on(CapturePaymentSchema, (tx, batch, context) =>
      obey(tx, batch, context, (_message, paymentId) => ({ kind: 'capture', paymentId })),
    ),
    on(CancelPaymentSchema, (tx, batch, context) =>
      obey(tx, batch, context, ({ reason }, paymentId) => ({ kind: 'cancel', paymentId, reason })),
    ),
  ],
});

/** A missing amount becomes one that the domain refuses: orders then hears of it instead of waiting. */
function readAuthorize(message: MessageShape<typeof AuthorizePaymentSchema>, paymentId: string): Command {
  const { amount, paymentMethodId, paymentToken } = message;
  return {
    kind: 'authorize',
    paymentId,
    amountMinor: amount?.minor ?? -1n,
    currency: amount?.currency ?? '',
    methodId: paymentMethodId,
    token: paymentToken,
  };
}

async function obey<Desc extends DescMessage>(
  tx: Tx,
  batch: readonly Received<Desc>[],
  context: PaymentsContext,
  read: (message: MessageShape<Desc>, paymentId: string) => Command,
): Promise<void> {
  const inputs = batch.map(({ message, aggregateId, cause }) => ({
    orderId: aggregateId,
    input: read(message, context.ids.uuid()),
    cause,
  }));
  if (await applyInputs(tx, context, inputs)) {
    tx.afterCommit(() => {
      context.wake('provider-calls');
      context.deps.bell.ring();
    });
  }
}
