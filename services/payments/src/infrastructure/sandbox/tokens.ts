// Magic tokens: what a card does in the sandbox. API: listed in the README and offered by ListMethods.

export const TOKENS = {
  tok_approve: 'approves',
  tok_decline: 'declines with CARD_DECLINED',
  tok_insufficient_funds: 'declines with INSUFFICIENT_FUNDS',
  tok_require_action: 'declines with AUTHENTICATION_REQUIRED',
  tok_hang: 'never answers and charges nothing',
  tok_charge_then_hang: 'authorizes, never answers the first call, then answers',
  tok_late_charge: 'never answers the first call; the authorization appears late',
  tok_fail_capture: 'approves, then refuses the capture with CAPTURE_REFUSED',
  tok_error_once: 'fails once with a server error, then approves',
  tok_refund_fails: 'approves; the refund fails ten times, then succeeds',
} as const;

export type Token = keyof typeof TOKENS;

export function isToken(text: string): text is Token {
  return Object.hasOwn(TOKENS, text);
}

/** Failures of a refund before it succeeds, for `tok_refund_fails`. */
export const REFUND_FAILURES = 10;
