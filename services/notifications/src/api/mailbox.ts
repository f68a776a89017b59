// Reading the mailbox.
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { MethodImpl } from '@connectrpc/connect';
import { validate } from '@stoa/chassis/rpc/validate';
import type { NotificationsService } from '@stoa/proto/stoa/notifications/v1/notifications_pb';
import type { NotificationsContext } from '../context.ts';
import { listMails } from '../infrastructure/mailbox.ts';

const PAGE_DEFAULT = 20;
const PAGE_MAX = 100;

export function listMailbox(context: NotificationsContext): MethodImpl<typeof NotificationsService.method.listMailbox> {
  return async ({ orderId, first }) => {
    validate((checks) => {
      if (orderId !== '') checks.uuid('order_id', orderId);
      checks.integer('first', first, 0, PAGE_MAX);
    });
    const rows = await listMails(context.db, orderId === '' ? undefined : orderId, first === 0 ? PAGE_DEFAULT : first);
    const mails = rows.map(({ id, order_id, template, recipient, subject, body, sent_at }) => ({
      id,
      orderId: order_id,
      template,
      to: recipient,
      subject,
      body,
      sentAt: timestampFromDate(sent_at),
    }));
    return { mails };
  };
}
