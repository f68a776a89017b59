// Notifications: e-mail to customers, driven by orders' events. Publishes nothing.
import { implement } from '@stoa/chassis/rpc/implement';
import { defineService } from '@stoa/chassis/service';
import { NotificationsService } from '@stoa/proto/stoa/notifications/v1/notifications_pb';
import { listMailbox } from './api/mailbox.ts';
import { followOrders } from './api/order-events.ts';
import { getPreferences, setPreference } from './api/preferences.ts';
import { SEND_JOB, sendDue } from './api/send-job.ts';
import { checkMailSettings, config } from './config/config.ts';
import type { NotificationsDeps } from './context.ts';
import { createMailboxMailer } from './infrastructure/mailbox.ts';
import { createSmtpMailer } from './infrastructure/smtp.ts';

export const notifications = defineService({
  name: 'notifications',
  config,
  migrations: new URL('../migrations/', import.meta.url),
  consumers: [followOrders],
  // Woken when mail is queued; the turn is for retries.
  jobs: [{ name: SEND_JOB, everyMs: 5_000, run: sendDue }],
  setup: ({ config, db, clock, ids }): NotificationsDeps => {
    const { environment, smtpUrl, mailFrom: from, shopName: fromName, mailLocale } = config;
    // At start, because at the first mail nobody would be looking.
    checkMailSettings({ environment, smtpUrl, from, locale: mailLocale });
    const mailer =
      smtpUrl === undefined
        ? createMailboxMailer(db, ids)
        : createSmtpMailer({ url: smtpUrl, from, fromName, db, clock });
    return { mailer };
  },
  teardown: ({ mailer }) => mailer.close(),
  rpc: (context) => [
    implement(NotificationsService, {
      getPreferences: getPreferences(context),
      setPreference: setPreference(context),
      listMailbox: listMailbox(context),
    }),
  ],
});
