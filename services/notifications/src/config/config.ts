// What notifications reads from the environment.
import { ConfigError, optional, withDefault } from '@stoa/chassis/config';
import { isMailAddress } from '../domain/address.ts';

/** Nobody's: good enough while no mail leaves the house. */
const FROM_NOBODY = 'orders@stoa.invalid';

export const config = {
  environment: withDefault('string', 'STOA_ENV', 'development', { help: 'development or production' }),
  smtpUrl: optional('url', 'STOA_SMTP_URL', {
    help: 'smtp://user:password@host:587?requireTLS=true or smtps://…; absent: mail goes into the mailbox table',
  }),
  mailFrom: withDefault('string', 'STOA_MAIL_FROM', FROM_NOBODY, {
    help: 'address that mail is sent from',
  }),
  shopName: withDefault('string', 'STOA_SHOP_NAME', 'Stoa', { help: 'name that mail is signed with' }),
  mailLocale: withDefault('string', 'STOA_MAIL_LOCALE', 'en', { help: 'how amounts are written, as a BCP 47 tag' }),
};

export interface MailSettings {
  readonly environment: string;
  readonly smtpUrl: string | undefined;
  readonly from: string;
  readonly locale: string;
}

/** What the kinds of settings cannot say; throws `ConfigError` with every problem. */
export function checkMailSettings({ environment, smtpUrl, from, locale }: MailSettings): void {
  const problems: string[] = [];
  if (smtpUrl !== undefined && !/^smtps?:\/\/[^/]/.test(smtpUrl)) {
    problems.push('STOA_SMTP_URL: must begin with smtp:// or smtps://');
  }
  if (!isMailAddress(from)) problems.push('STOA_MAIL_FROM: must be one e-mail address, without a name');
  // Receivers refuse it, and every answer and bounce is lost.
  if (environment !== 'development' && smtpUrl !== undefined && from === FROM_NOBODY) {
    problems.push('STOA_MAIL_FROM: must be set to an address of the shop where STOA_SMTP_URL sends real mail');
  }
  if (!isLocale(locale)) problems.push('STOA_MAIL_LOCALE: must be a language tag like en or de-DE');
  if (problems.length > 0) throw new ConfigError(`the configuration has problems:\n  ${problems.join('\n  ')}`);
}

function isLocale(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}
