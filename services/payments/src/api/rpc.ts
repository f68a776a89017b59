// The reading side of payments.
import type { ServiceImpl } from '@connectrpc/connect';
import { notFound } from '@stoa/chassis/rpc/errors';
import { validate } from '@stoa/chassis/rpc/validate';
import type { PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import type { PaymentsContext } from '../context.ts';
import { writePayment } from '../infrastructure/answers.ts';
import { findPayment } from '../infrastructure/payment-store.ts';

export function paymentsHandlers(context: PaymentsContext): ServiceImpl<typeof PaymentsService> {
  return {
    listMethods: () => ({
      methods: context.deps.provider
        .methods()
        .map(({ id, name, sampleTokens }) => ({ id, name, sampleTokens: [...sampleTokens] })),
    }),
    getPayment: async ({ orderId }) => {
      validate((checks) => checks.uuid('order_id', orderId));
      const stored = await findPayment(context.db, orderId);
      if (stored === undefined) throw notFound('PAYMENT_NOT_FOUND', 'no payment was asked for this order');
      const { action } = stored.payment;
      return { payment: writePayment(stored), ...(action === undefined ? {} : { action }) };
    },
  };
}
