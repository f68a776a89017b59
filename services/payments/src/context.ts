// What every handler, consumer and job of payments gets.
import type { Bell } from '@stoa/chassis/bell';
import type { ServiceContext } from '@stoa/chassis/service';
import type { PaymentsConfig } from './config/config.ts';
import type { PaymentProvider } from './infrastructure/provider.ts';

export interface PaymentsDeps {
  readonly provider: PaymentProvider;
  /** Secrets that sign webhooks, the newest first. */
  readonly webhookSecrets: readonly string[];
  /** Rung when calls have become due, so that a job that is waiting for a slow answer looks at once. */
  readonly bell: Bell;
}

export type PaymentsContext = ServiceContext<PaymentsConfig, PaymentsDeps>;
