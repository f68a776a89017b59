// What follows an attempt to deliver a mail: done, given up, or tried again later, and when.

export type Outcome =
  | { readonly kind: 'sent' }
  /** It will never work: this recipient, this message. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** It did not work now. */
  | { readonly kind: 'retry'; readonly reason: string }
  /** It was not tried; somebody else may, at once. */
  | { readonly kind: 'release' };

export interface NextStep {
  readonly state: 'SENT' | 'FAILED' | 'QUEUED';
  readonly reason: string;
  readonly delaySeconds: number;
}

const FIRST_DELAY_SECONDS = 5;
const DELAY_SECONDS_MAX = 15 * 60;
/** Three days, as mail servers do (RFC 5321 asks for at least four to five; an order mail is stale before). */
export const GIVE_UP_AFTER_SECONDS = 3 * 24 * 60 * 60;

/**
 * `attempts` counts this one; `jitter` is from 0 up to 1 and spreads the retries of many mails that failed together
 * over half of the delay.
 */
export function nextStep(outcome: Outcome, attempts: number, ageSeconds: number, jitter: number): NextStep {
  switch (outcome.kind) {
    case 'sent':
      return { state: 'SENT', reason: '', delaySeconds: 0 };
    case 'failed':
      return { state: 'FAILED', reason: outcome.reason, delaySeconds: 0 };
    case 'release':
      return { state: 'QUEUED', reason: '', delaySeconds: 0 };
    case 'retry': {
      if (ageSeconds >= GIVE_UP_AFTER_SECONDS) {
        return { state: 'FAILED', reason: `GAVE_UP:${outcome.reason}`, delaySeconds: 0 };
      }
      const doubled = FIRST_DELAY_SECONDS * 2 ** Math.min(attempts - 1, 20);
      const delay = Math.min(DELAY_SECONDS_MAX, doubled);
      return { state: 'QUEUED', reason: outcome.reason, delaySeconds: delay * (0.5 + jitter / 2) };
    }
    default:
      return outcome satisfies never;
  }
}
