// Magic tokens: what a card does in the sandbox. API: listed in the README and offered by ListMethods.

export const TOKENS = {
  tok_approve: 'approves',
  tok_decline: 'declines with CARD_DECLINED',
  tok_insufficient_funds: 'declines with INSUFFICIENT_FUNDS',
  tok_require_action: 'declines with AUTHENTICATION_REQUIRED',
  tok_3ds: 'waits for the customer, who confirms or fails by hand',
  tok_3ds_confirmed: 'waits for the customer, who confirms after a while',
  tok_3ds_failed: 'waits for the customer, who fails after a while: declines with AUTHENTICATION_FAILED',
  tok_hang: 'never answers and charges nothing',
  tok_charge_then_hang: 'authorizes, never answers the first call, then answers',
  tok_late_charge: 'never answers the first call; the authorization appears late',
  tok_charge_after_void: 'like tok_late_charge, and appears even when it was voided meanwhile',
  tok_error_once: 'fails once with a server error, then approves',
  tok_rate_limited: 'says "too many requests" twice, then approves',
  tok_garbage: 'authorizes and answers with something unreadable, then answers',
  tok_wrong_amount: 'authorizes and answers with another amount, then answers',
  tok_wrong_currency: 'authorizes and answers with another currency, then answers',
  tok_fail_capture: 'approves, then refuses the capture with CAPTURE_REFUSED',
  tok_capture_then_hang: 'approves; captures and never answers the first call, then answers',
  tok_partial_capture: 'approves; captures half of what is asked for',
  tok_refund_fails: 'approves; the refund fails ten times, then succeeds',
  tok_partial_refund_fails: 'captures half of what is asked for, and its refund fails ten times, then succeeds',
  tok_webhook_duplicated: 'like tok_late_charge; its webhook comes three times',
  tok_webhook_reordered: 'like tok_late_charge; an older webhook comes after the newer',
  tok_webhook_forged: 'like tok_late_charge; only a forged webhook comes',
  tok_webhook_lost: 'like tok_late_charge; no webhook comes',
} as const;

export type Token = keyof typeof TOKENS;

export function isToken(text: string): text is Token {
  return Object.hasOwn(TOKENS, text);
}

/** Tokens of which half is captured. */
export const CAPTURED_BY_HALF: ReadonlySet<string> = new Set<Token>([
  'tok_partial_capture',
  'tok_partial_refund_fails',
]);
/** Tokens whose refund fails at first. */
export const REFUND_FAILS: ReadonlySet<string> = new Set<Token>(['tok_refund_fails', 'tok_partial_refund_fails']);
/** Failures of such a refund before it succeeds. */
export const REFUND_FAILURES = 10;
/** Refusals before it approves, for `tok_rate_limited`. */
export const RATE_LIMIT_REFUSALS = 2;
