// Payments of orders: obeys orders' commands, owns the only contact with the payment provider.
import { createBell } from '@stoa/chassis/bell';
import { implement } from '@stoa/chassis/rpc/implement';
import { defineService } from '@stoa/chassis/service';
import { PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { paymentsHttp } from './api/http.ts';
import { followOrders } from './api/orders.ts';
import { paymentsHandlers } from './api/rpc.ts';
import { config } from './config/config.ts';
import type { PaymentsDeps } from './context.ts';
import { paymentsEvents } from './infrastructure/answers.ts';
import { openProvider, webhookSecretsOf } from './infrastructure/open-provider.ts';
import { providerCalls } from './infrastructure/provider-calls.ts';
import { reconcile } from './infrastructure/reconcile/reconcile.ts';
import { lateCharges } from './infrastructure/sandbox/late-charges.ts';
import { sandboxWebhooks } from './infrastructure/sandbox/webhooks.ts';

export const payments = defineService({
  name: 'payments',
  config,
  migrations: new URL('../migrations/', import.meta.url),
  databases: { sandbox: new URL('./infrastructure/sandbox/migrations/', import.meta.url) },
  publishes: [paymentsEvents],
  consumers: [followOrders],
  jobs: [providerCalls, reconcile, lateCharges, sandboxWebhooks],
  setup: (context): PaymentsDeps => {
    const webhookSecrets = webhookSecretsOf(context);
    return { provider: openProvider(context, webhookSecrets), webhookSecrets, bell: createBell(context.clock) };
  },
  rpc: (context) => [implement(PaymentsService, paymentsHandlers(context))],
  http: paymentsHttp,
  unready: ({ deps }) => deps.provider.problem(),
});
