// The reading side of payments.
import type { ServiceImpl } from '@connectrpc/connect';
import { notFound } from '@stoa/chassis/rpc/errors';
import { validate } from '@stoa/chassis/rpc/validate';
import type { PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import type { PaymentsContext } from '../context.ts';
import { writePayment } from '../infrastructure/answers.ts';
import { findPayments, type StoredPayment } from '../infrastructure/payment-store.ts';

const ORDERS_MAX = 100;

export function paymentsHandlers(context: PaymentsContext): ServiceImpl<typeof PaymentsService> {
  return {
    listMethods: () => ({
      methods: context.deps.provider
        .methods()
        .map(({ id, name, sampleTokens }) => ({ id, name, sampleTokens: [...sampleTokens] })),
    }),
    getPayment: async ({ orderId }) => {
      validate((checks) => checks.uuid('order_id', orderId));
      const [stored] = await findPayments(context.db, [orderId]);
      if (stored === undefined) throw notFound('PAYMENT_NOT_FOUND', 'no payment was asked for this order');
      return withAction(stored);
    },
    getPayments: async ({ orderIds }) => {
      validate((checks) => {
        checks.items('order_ids', orderIds, 1, ORDERS_MAX);
        for (const [index, id] of orderIds.entries()) checks.uuid(`order_ids[${index}]`, id);
      });
      return { payments: (await findPayments(context.db, orderIds)).map(withAction) };
    },
  };
}

function withAction(stored: StoredPayment) {
  const { action } = stored.payment;
  return { payment: writePayment(stored), ...(action === undefined ? {} : { action }) };
}
