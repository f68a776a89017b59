// Delivering mail as a port. Both adapters deliver what they are given and say what became of each one; they differ in
// what they promise: the mailbox settles in the transaction that stores the mail (exactly once), SMTP settles after the
// server took it (at least once: a crash in between sends it again, under the same Message-ID).
import type { Queryable } from '@stoa/chassis/postgres/database';
import type { Outcome } from '../domain/delivery.ts';
import type { TemplateName } from '../domain/template.ts';

export interface OutgoingMail {
  readonly notificationId: string;
  readonly orderId: string;
  readonly template: TemplateName;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface Settlement {
  readonly notificationId: string;
  readonly outcome: Outcome;
}

/** Records outcomes; returns the ids that were still claimed, hence recorded. */
export type Settle = (db: Queryable, settlements: readonly Settlement[]) => Promise<ReadonlySet<string>>;

export interface Mailer {
  /** Mails it takes at once; at most 200, which is what orders answers contacts for. */
  readonly batchMax: number;
  /** Longest time that delivering a batch may take; the claim is held for longer. */
  readonly batchSeconds: number;
  deliver(mails: readonly OutgoingMail[], settle: Settle, signal: AbortSignal): Promise<void>;
  close(): void;
}
