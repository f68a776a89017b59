// Chooses the payment provider that the configuration names.
import { ConfigError } from '@stoa/chassis/config';
import type { ServiceContext } from '@stoa/chassis/service';
import type { PaymentsConfig } from '../config/config.ts';
import type { PaymentProvider } from './provider.ts';
import { openSandbox } from './sandbox/provider.ts';

export function openProvider(context: ServiceContext<PaymentsConfig, undefined>): PaymentProvider {
  const { provider, sandboxLateMs } = context.config;
  const { sandbox } = context.databases;
  if (provider !== 'sandbox') throw new ConfigError(`STOA_PAYMENTS_PROVIDER: no such provider: ${provider}`);
  if (sandbox === undefined) throw new ConfigError('the sandbox provider needs its database');
  return openSandbox(sandbox, { lateMs: sandboxLateMs });
}
