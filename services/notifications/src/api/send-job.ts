// The job that sends: claim what is due, ask orders whom it goes to, render, deliver, settle. The claim commits before
// anything else is asked or sent, and carries a lease: if this process dies, another one takes over when it ends.
import type { Queryable } from '@stoa/chassis/postgres/database';
import { type OrderContact, OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import type { NotificationsContext } from '../context.ts';
import { isMailAddress } from '../domain/address.ts';
import { nextStep, type Outcome } from '../domain/delivery.ts';
import { renderMail } from '../domain/render.ts';
import type { OutgoingMail, Settle, Settlement } from '../infrastructure/mailer.ts';
import { type Claimed, claimDue, settleClaimed } from '../infrastructure/notifications.ts';
import { readSnapshot } from './snapshot.ts';

export const SEND_JOB = 'send';

/** Kept on top of the mailer's own time: orders is asked first. A mail whose sender died waits no longer than both. */
const LEASE_MARGIN_SECONDS = 10;
const JITTER_STEPS = 1000;

/** Retried, because a corrected version can send it. */
const CONTENT_UNUSABLE: Outcome = { kind: 'retry', reason: 'CONTENT_UNUSABLE' };

/** One round; returns whether there may be more to do at once. */
export async function sendDue(context: NotificationsContext, signal: AbortSignal): Promise<boolean> {
  const { db, deps, ids, metrics } = context;
  const claim = ids.uuid();
  const leaseSeconds = deps.mailer.batchSeconds + LEASE_MARGIN_SECONDS;
  const { claimed, suppressed } = await db.transact((tx) =>
    claimDue(tx, { claim, limit: deps.mailer.batchMax, leaseSeconds }),
  );
  if (suppressed > 0)
    metrics.count('notifications_settled_total', 'Mails by outcome', { outcome: 'suppressed' }, suppressed);
  if (claimed.length === 0) return suppressed > 0;
  const settle = settleWith(context, claim, claimed);
  const contacts = await askContacts(context, claimed, signal);
  if (contacts === undefined) {
    await settle(db, all(claimed, { kind: 'retry', reason: 'CONTACTS_UNAVAILABLE' }));
    return false;
  }
  const { mails, unsendable } = prepare(context, claimed, contacts);
  if (unsendable.length > 0) await settle(db, unsendable);
  if (mails.length > 0) await deps.mailer.deliver(mails, settle, signal);
  return true;
}

function all(claimed: readonly Claimed[], outcome: Outcome): Settlement[] {
  return claimed.map(({ id }) => ({ notificationId: id, outcome }));
}

/** Contacts by order, or undefined when orders cannot be asked now. */
async function askContacts(
  context: NotificationsContext,
  claimed: readonly Claimed[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, OrderContact> | undefined> {
  try {
    const orderIds = claimed.map((row) => row.order_id);
    const { contacts } = await context.client(OrdersService).getContacts({ orderIds }, { signal });
    return new Map(contacts.map((contact) => [contact.orderId, contact]));
  } catch (error) {
    context.log.warn('orders did not answer for contacts; the mails are retried', { job: SEND_JOB, error });
    return undefined;
  }
}

function prepare(
  context: NotificationsContext,
  claimed: readonly Claimed[],
  contacts: ReadonlyMap<string, OrderContact>,
): { readonly mails: OutgoingMail[]; readonly unsendable: Settlement[] } {
  const mails: OutgoingMail[] = [];
  const unsendable: Settlement[] = [];
  for (const row of claimed) {
    const contact = contacts.get(row.order_id);
    if (contact === undefined) {
      unsendable.push({ notificationId: row.id, outcome: { kind: 'retry', reason: 'CONTACT_MISSING' } });
    } else if (contact.email === '') {
      unsendable.push({ notificationId: row.id, outcome: { kind: 'failed', reason: 'ADDRESS_MISSING' } });
    } else if (!isMailAddress(contact.email)) {
      unsendable.push({ notificationId: row.id, outcome: { kind: 'failed', reason: 'ADDRESS_UNUSABLE' } });
    } else {
      const mail = compose(context, row, contact);
      if (mail === undefined) unsendable.push({ notificationId: row.id, outcome: CONTENT_UNUSABLE });
      else mails.push(mail);
    }
  }
  return { mails, unsendable };
}

/** Undefined when no mail can be made of it: a bug, which must not hold up the others of the batch. */
function compose(context: NotificationsContext, row: Claimed, contact: OrderContact): OutgoingMail | undefined {
  const { shopName, mailLocale } = context.config;
  try {
    const order = readSnapshot(row.snapshot, contact.orderNumber);
    const recipientName = contact.address?.name ?? '';
    const { subject, text } = renderMail(row.template, order, { recipientName, shopName, locale: mailLocale });
    return { notificationId: row.id, orderId: row.order_id, template: row.template, to: contact.email, subject, text };
  } catch (error) {
    context.log.error('a mail could not be written', { job: SEND_JOB, id: row.id, error });
    return undefined;
  }
}

function settleWith(context: NotificationsContext, claim: string, claimed: readonly Claimed[]): Settle {
  const rows = new Map(claimed.map((row) => [row.id, row]));
  return async (db: Queryable, settlements) => {
    const steps = settlements.map(({ notificationId, outcome }) => {
      const { attempts, age_seconds } = rows.get(notificationId) as Claimed;
      const jitter = context.random.below(JITTER_STEPS) / JITTER_STEPS;
      return { id: notificationId, ...nextStep(outcome, attempts, age_seconds, jitter) };
    });
    const settled = await settleClaimed(db, claim, steps);
    for (const step of steps) {
      if (!settled.has(step.id)) continue;
      const outcome = step.state === 'QUEUED' ? 'retried' : step.state.toLowerCase();
      context.metrics.count('notifications_settled_total', 'Mails by outcome', { outcome });
      if (step.state === 'FAILED') {
        context.log.warn('a mail cannot be delivered', { job: SEND_JOB, id: step.id, reason: step.reason });
      }
    }
    return settled;
  };
}
