// A reservation and what each command means for it. Every pair of state and command has an answer: a repeated command
// changes nothing and is answered from the state.
import type { Line } from './stock.ts';

export type ReservationState = 'HELD' | 'COMMITTED' | 'SHIPPED' | 'RELEASED' | 'REFUSED';

export interface Reservation {
  readonly orderId: string;
  readonly state: ReservationState;
  readonly lines: readonly Line[];
  /** End of the hold; undefined once committed, and where nothing was ever held. */
  readonly expiresAt: Date | undefined;
  /** Whether the hold's end had passed by the database's clock when the row was locked. */
  readonly overdue: boolean;
  /** RELEASED or EXPIRED when released, the refusal when refused, else empty. */
  readonly reason: string;
  /** The SKUs that stood in the way of a refused one. */
  readonly blockingSkus: readonly string[];
}

export type ReserveAnswer =
  | { readonly kind: 'reserved' }
  | { readonly kind: 'refused'; readonly reason: string; readonly skus: readonly string[] };

/** Answers a ReserveStock whose order is known already: repeated, or overtaken by its ReleaseStock. */
export function answerReserve(reservation: Reservation): ReserveAnswer {
  switch (reservation.state) {
    case 'HELD':
    case 'COMMITTED':
    case 'SHIPPED':
      return { kind: 'reserved' };
    case 'RELEASED':
      return { kind: 'refused', reason: 'ALREADY_RELEASED', skus: [] };
    case 'REFUSED':
      return { kind: 'refused', reason: reservation.reason, skus: reservation.blockingSkus };
    default:
      return reservation.state satisfies never;
  }
}

export type CommitDecision =
  | { readonly kind: 'commit' }
  | { readonly kind: 'committed-before' }
  | { readonly kind: 'refused'; readonly reason: 'HOLD_EXPIRED' | 'NOT_HELD' };

/**
 * Decides a CommitStock. A hold past its end is refused even while the job that releases it has not come by: whether
 * an order goes on must depend on the clock alone, not on which of two processes was faster.
 */
export function decideCommit(reservation: Reservation | undefined): CommitDecision {
  if (reservation === undefined) return { kind: 'refused', reason: 'NOT_HELD' };
  switch (reservation.state) {
    case 'HELD':
      return reservation.overdue ? { kind: 'refused', reason: 'HOLD_EXPIRED' } : { kind: 'commit' };
    case 'COMMITTED':
    case 'SHIPPED':
      return { kind: 'committed-before' };
    case 'RELEASED':
      return { kind: 'refused', reason: reservation.reason === 'EXPIRED' ? 'HOLD_EXPIRED' : 'NOT_HELD' };
    case 'REFUSED':
      return { kind: 'refused', reason: 'NOT_HELD' };
    default:
      return reservation.state satisfies never;
  }
}

/** `give-back` frees the units, `tombstone` remembers the release of an order not seen yet, `nothing` only answers. */
export type ReleaseDecision = 'give-back' | 'tombstone' | 'nothing';

export function decideRelease(reservation: Reservation | undefined): ReleaseDecision {
  if (reservation === undefined) return 'tombstone';
  return reservation.state === 'HELD' || reservation.state === 'COMMITTED' ? 'give-back' : 'nothing';
}

/** `ship` books the units out, `shipped-before` changes nothing, `not-committed` cannot be: nothing is there to book out. */
export type ShipDecision = 'ship' | 'shipped-before' | 'not-committed';

export function decideShip(reservation: Reservation | undefined): ShipDecision {
  if (reservation?.state === 'SHIPPED') return 'shipped-before';
  return reservation?.state === 'COMMITTED' ? 'ship' : 'not-committed';
}
