// What becomes of a presented refresh token (RFC 9700 section 4.14.2). Tokens of a session are numbered; only the newest
// is usable. An older one in somebody's hands means that two parties hold tokens of one session, and as nobody can say
// which of them is the thief, the session ends. The exception is the direct predecessor shortly after it was spent:
// an answer that got lost, or two tabs that refreshed at once. It is refused, but the session lives.

export const PREDECESSOR_GRACE_MS = 10_000;

export interface PresentedToken {
  readonly generation: number;
  readonly expiresAt: Date;
}

export interface SessionState {
  readonly generation: number;
  /** When the present generation was handed out. */
  readonly rotatedAt: Date;
  readonly revoked: boolean;
}

export type RotationDecision =
  | { readonly kind: 'rotate'; readonly generation: number }
  | { readonly kind: 'refuse'; readonly why: 'REVOKED' | 'EXPIRED' | 'SUPERSEDED' }
  | { readonly kind: 'revoke' };

export function decideRotation(token: PresentedToken, session: SessionState, now: Date): RotationDecision {
  if (session.revoked) return { kind: 'refuse', why: 'REVOKED' };
  if (token.generation < session.generation) return decideReuse(token, session, now);
  if (token.expiresAt.getTime() <= now.getTime()) return { kind: 'refuse', why: 'EXPIRED' };
  return { kind: 'rotate', generation: session.generation + 1 };
}

function decideReuse(token: PresentedToken, session: SessionState, now: Date): RotationDecision {
  const isPredecessor = token.generation === session.generation - 1;
  // A transaction that waited for the one that rotated has an older `now`: the age is then negative, and still recent.
  const isRecent = now.getTime() - session.rotatedAt.getTime() <= PREDECESSOR_GRACE_MS;
  return isPredecessor && isRecent ? { kind: 'refuse', why: 'SUPERSEDED' } : { kind: 'revoke' };
}
