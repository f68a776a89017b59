// Chooses the payment provider that the configuration names.
import { ConfigError } from '@stoa/chassis/config';
import type { ServiceContext } from '@stoa/chassis/service';
import type { PaymentsConfig } from '../config/config.ts';
import type { PaymentProvider } from './provider.ts';
import { openSandbox } from './sandbox/provider.ts';
import { openStripe } from './stripe/provider.ts';

type Opening = ServiceContext<PaymentsConfig, undefined>;

/** The live secrets; the sandbox can do with one that nobody outside this process knows. */
export function webhookSecretsOf({ config, random }: Opening): readonly string[] {
  const { provider, webhookSecret, webhookSecretPrevious, sandboxWebhookUrl } = config;
  const secrets = [webhookSecret, webhookSecretPrevious].filter((secret) => secret !== undefined);
  if (secrets.length > 0) return secrets;
  if (provider === 'stripe' || sandboxWebhookUrl !== undefined) {
    throw new ConfigError('STOA_PAYMENTS_WEBHOOK_SECRET is not set (secret that the provider signs webhooks with)');
  }
  return [Buffer.from(random.bytes(32)).toString('hex')];
}

export function openProvider(context: Opening, webhookSecrets: readonly string[]): PaymentProvider {
  const { clock } = context;
  const { provider, sandboxLateMs, sandboxPublicUrl, stripeApiBase, stripeSecretKey, stripeReturnUrl, callDeadlineMs } =
    context.config;
  switch (provider) {
    case 'sandbox': {
      const { sandbox } = context.databases;
      if (sandbox === undefined) throw new ConfigError('the sandbox provider needs its database');
      return openSandbox(sandbox, { clock, lateMs: sandboxLateMs, webhookSecrets, publicUrl: sandboxPublicUrl });
    }
    case 'stripe':
      if (stripeSecretKey === undefined) throw new ConfigError('STOA_STRIPE_SECRET_KEY is not set');
      return openStripe({
        secretKey: stripeSecretKey,
        apiBase: stripeApiBase,
        returnUrl: stripeReturnUrl,
        timeoutMs: callDeadlineMs,
        webhookSecrets,
      });
    default:
      throw new ConfigError(`STOA_PAYMENTS_PROVIDER: no such provider: ${provider}`);
  }
}
