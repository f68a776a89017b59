// What an SMTP error means. Only codes are kept: a server's answer likes to repeat the recipient's address.
import type { Outcome } from '../domain/delivery.ts';

/** The parts of nodemailer's errors that are looked at. */
interface SmtpError {
  readonly code?: unknown;
  /** The SMTP reply's code, when there was a reply. */
  readonly responseCode?: unknown;
  /** What it replied to. */
  readonly command?: unknown;
}

export interface ErrorOutcome {
  readonly outcome: Outcome;
  readonly unreachable: boolean;
}

/** Replies to these are about the one mail; replies to anything else are about the server or our credentials. */
const ABOUT_THE_MAIL = new Set(['RCPT TO', 'DATA']);

export function outcomeOfError(error: unknown): ErrorOutcome {
  const { code, responseCode, command } = (error ?? {}) as SmtpError;
  const reply = typeof responseCode === 'number' ? responseCode : 0;
  if (reply !== 0 && ABOUT_THE_MAIL.has(String(command))) {
    const kind = reply >= 500 ? 'failed' : 'retry';
    // 421: the server is closing, whatever it was asked.
    return { outcome: { kind, reason: `SMTP_${reply}` }, unreachable: reply === 421 };
  }
  // Refused by nodemailer before anything was sent: no server would take this address.
  if (code === 'EENVELOPE' && command === 'API') {
    return { outcome: { kind: 'failed', reason: 'ADDRESS_UNUSABLE' }, unreachable: false };
  }
  const known = typeof code === 'string' && /^[A-Z]{3,20}$/.test(code) ? code : 'UNKNOWN';
  return { outcome: { kind: 'retry', reason: `SMTP_${reply === 0 ? known : reply}` }, unreachable: known !== 'EABORT' };
}
