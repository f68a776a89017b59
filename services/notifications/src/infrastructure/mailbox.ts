// The mailbox: where mail goes while no SMTP server is configured. A mail and the mark that it was sent are stored in one
// transaction, so each is there exactly once.
import type { Database, Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Ids } from '@stoa/chassis/runtime';
import type { Mailer, OutgoingMail } from './mailer.ts';

export function createMailboxMailer(db: Database, ids: Ids): Mailer {
  return {
    batchMax: 100,
    batchSeconds: 5,
    deliver: async (mails, settle) => {
      const settlements = mails.map(({ notificationId }) => ({ notificationId, outcome: { kind: 'sent' } as const }));
      const mailIds = mails.map(() => ids.uuid());
      await db.transact(async (tx) => {
        const ours = await settle(tx, settlements);
        await insertMails(tx, mails, mailIds, ours);
      });
    },
    close: () => {},
  };
}

async function insertMails(
  tx: Queryable,
  mails: readonly OutgoingMail[],
  mailIds: readonly string[],
  ours: ReadonlySet<string>,
): Promise<void> {
  const kept = mails.flatMap((mail, index) =>
    ours.has(mail.notificationId) ? [{ ...mail, id: mailIds[index] as string }] : [],
  );
  if (kept.length === 0) return;
  await tx.run(sql`
    insert into mailbox (id, notification_id, order_id, template, recipient, subject, body)
    select id, notification_id, order_id, template, recipient, subject, body
    from unnest(
      ${kept.map((mail) => mail.id)}::uuid[],
      ${kept.map((mail) => mail.notificationId)}::uuid[],
      ${kept.map((mail) => mail.orderId)}::uuid[],
      ${kept.map((mail) => mail.template)}::text[],
      ${kept.map((mail) => mail.to)}::text[],
      ${kept.map((mail) => mail.subject)}::text[],
      ${kept.map((mail) => mail.text)}::text[])
      as u (id, notification_id, order_id, template, recipient, subject, body)`);
}

export interface MailRow {
  readonly id: string;
  readonly order_id: string;
  readonly template: string;
  readonly recipient: string;
  readonly subject: string;
  readonly body: string;
  readonly sent_at: Date;
}

export function listMails(db: Queryable, orderId: string | undefined, first: number): Promise<MailRow[]> {
  // Two statements, because one with "or" could use neither index.
  if (orderId === undefined) {
    return db.rows(sql<MailRow>`
      select id, order_id, template, recipient, subject, body, sent_at
      from mailbox order by sent_at desc, id desc limit ${first}`);
  }
  return db.rows(sql<MailRow>`
    select id, order_id, template, recipient, subject, body, sent_at
    from mailbox where order_id = ${orderId} order by sent_at desc, id desc limit ${first}`);
}
