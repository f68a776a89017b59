// What notifications reads from the environment.
import { optional, withDefault } from '@stoa/chassis/config';

export const config = {
  smtpUrl: optional('url', 'STOA_SMTP_URL', {
    help: 'smtp://user:password@host:587?requireTLS=true or smtps://…; absent: mail goes into the mailbox table',
  }),
  mailFrom: withDefault('string', 'STOA_MAIL_FROM', 'orders@stoa.invalid', {
    help: 'address that mail is sent from',
  }),
  shopName: withDefault('string', 'STOA_SHOP_NAME', 'Stoa', { help: 'name that mail is signed with' }),
  mailLocale: withDefault('string', 'STOA_MAIL_LOCALE', 'en', { help: 'how amounts are written, as a BCP 47 tag' }),
};
