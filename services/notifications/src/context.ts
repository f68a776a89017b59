// What notifications' code reaches.
import type { ConfigOf } from '@stoa/chassis/config';
import type { ServiceContext } from '@stoa/chassis/service';
import type { config } from './config/config.ts';
import type { Mailer } from './infrastructure/mailer.ts';

export interface NotificationsDeps {
  readonly mailer: Mailer;
}

export type NotificationsConfig = ConfigOf<typeof config>;
export type NotificationsContext = ServiceContext<NotificationsConfig, NotificationsDeps>;
