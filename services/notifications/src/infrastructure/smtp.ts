// Mail through an SMTP server. Each mail is sent and then marked, one by one, so that a crash repeats as few as
// possible; the Message-ID is derived from order and template, so that a repeated one can be recognised.
import type { Database } from '@stoa/chassis/postgres/database';
import type { Clock } from '@stoa/chassis/runtime';
import { createTransport } from 'nodemailer';
import type { Outcome } from '../domain/delivery.ts';
import type { Mailer, OutgoingMail, Settle } from './mailer.ts';
import { outcomeOfError } from './smtp-outcome.ts';

const CONNECTIONS_MAX = 4;
const CONNECT_TIMEOUT_MS = 5_000;
const SILENCE_TIMEOUT_MS = 10_000;
/** For one mail altogether: a server that drips its answers is not silent. */
const SEND_TIMEOUT_MS = 20_000;
const BATCH_MAX = 20;
/** All of them, one connection hanging after the other. */
const BATCH_SECONDS = ((BATCH_MAX / CONNECTIONS_MAX) * SEND_TIMEOUT_MS) / 1000;

export interface SmtpOptions {
  readonly url: string;
  readonly from: string;
  readonly fromName: string;
  readonly db: Database;
  readonly clock: Clock;
}

export function messageId(mail: { readonly orderId: string; readonly template: string }, from: string): string {
  return `<${mail.template}.${mail.orderId}@${from.slice(from.lastIndexOf('@') + 1)}>`;
}

export function createSmtpMailer(options: SmtpOptions): Mailer {
  const transport = openTransport(options.url);
  const send = (mail: OutgoingMail) => sendOne(transport, options, mail);
  return {
    batchMax: BATCH_MAX,
    batchSeconds: BATCH_SECONDS,
    deliver: (mails, settle, signal) => deliverAll(mails, { send, settle, signal, db: options.db }),
    close: () => transport.close(),
  };
}

function openTransport(url: string) {
  return createTransport({
    url,
    pool: true,
    maxConnections: CONNECTIONS_MAX,
    // A mail whose connection broke may have been taken: repeating it is for our own retry, which waits.
    maxRequeues: 0,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    dnsTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

interface Attempt {
  readonly outcome: Outcome;
  /** The server as a whole does not work: trying the other mails would only wait for the same. */
  readonly unreachable: boolean;
}

interface Delivery {
  readonly send: (mail: OutgoingMail) => Promise<Attempt>;
  readonly settle: Settle;
  readonly signal: AbortSignal;
  readonly db: Database;
}

async function deliverAll(mails: readonly OutgoingMail[], { send, settle, signal, db }: Delivery): Promise<void> {
  let next = 0;
  let stopped: Outcome | undefined;
  const lane = async () => {
    for (let mail = mails[next++]; mail !== undefined; mail = mails[next++]) {
      if (signal.aborted) stopped ??= { kind: 'release' };
      const attempt = stopped === undefined ? await send(mail) : { outcome: stopped, unreachable: false };
      if (attempt.unreachable) stopped ??= attempt.outcome;
      await settle(db, [{ notificationId: mail.notificationId, outcome: attempt.outcome }]);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS_MAX }, lane));
}

async function sendOne(
  transport: ReturnType<typeof openTransport>,
  { from, fromName, clock }: SmtpOptions,
  mail: OutgoingMail,
): Promise<Attempt> {
  const timeout = new AbortController();
  const finished = new AbortController();
  clock.sleep(SEND_TIMEOUT_MS, finished.signal).then(() => timeout.abort());
  try {
    await transport.sendMail({
      // As objects, so that an address is never parsed as a list of several.
      from: { name: fromName, address: from },
      to: { name: '', address: mail.to },
      subject: mail.subject,
      text: mail.text,
      messageId: messageId(mail, from),
      date: clock.now(),
      headers: { 'auto-submitted': 'auto-generated' },
      signal: timeout.signal,
    });
    return { outcome: { kind: 'sent' }, unreachable: false };
  } catch (error) {
    return outcomeOfError(error);
  } finally {
    finished.abort();
  }
}
