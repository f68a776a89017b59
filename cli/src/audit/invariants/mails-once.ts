// I20: one mail for each order and template. The mailbox, which stands in for an SMTP server, is the witness.
import { sql } from '@stoa/chassis/postgres/sql';
import { collect, type Invariant } from '../invariant.ts';

interface Row {
  readonly order_id: string;
  readonly template: string;
  readonly what: string;
}

interface Counts {
  readonly sent: bigint;
  readonly delivered: bigint;
  readonly queued: bigint;
}

export const mailsOnce: Invariant = {
  id: 'I20',
  title: 'each mail goes out once',
  needs: ['notifications'],
  async check(look) {
    const found = collect();
    const notifications = look.at('notifications');
    // Sent without a mail is right where an SMTP server sends. It does not while the mailbox is in use, that is between
    // the mailbox' first mail and its last.
    const rows = await notifications.rows(sql<Row>`
      select order_id, template, 'was delivered ' || count(*) || ' times' as what
      from mailbox group by order_id, template having count(*) > 1
      union all
      select m.order_id, m.template, 'was delivered, but its notification is ' || n.state || ' for ' || n.template
      from mailbox m join notification n on n.id = m.notification_id
      where n.state <> 'SENT' or n.order_id <> m.order_id or n.template <> m.template
      union all
      select n.order_id, n.template, 'is marked as sent, but there is no mail'
      from notification n left join mailbox m on m.notification_id = n.id
      where n.state = 'SENT' and m.id is null
        and n.finished_at between (select min(sent_at) from mailbox) and (select max(sent_at) from mailbox)`);
    for (const { order_id, template, what } of rows) found.add({ key: `order ${order_id} ${template}`, text: what });
    const counts = await notifications.one(sql<Counts>`
      select count(*) filter (where state = 'SENT') as sent, count(*) filter (where state = 'QUEUED') as queued,
        (select count(*) from mailbox) as delivered
      from notification`);
    return found.outcome([counts.sent, 'sent'], [counts.delivered, 'in the mailbox'], [counts.queued, 'queued']);
  },
};
