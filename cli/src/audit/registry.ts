// All invariants, in the order in which they are told. I2, I19 and I22 to I24 cannot be seen in stored data.
import type { Invariant } from './invariant.ts';
import { aggregateOrder } from './invariants/aggregate-order.ts';
import { answeredOnce } from './invariants/answered-once.ts';
import { availability } from './invariants/availability.ts';
import { boundedTermination } from './invariants/bounded-termination.ts';
import { cartStates } from './invariants/cart-states.ts';
import { causation } from './invariants/causation.ts';
import { consumedOnce } from './invariants/consumed-once.ts';
import { denseNumbering } from './invariants/dense-numbering.ts';
import { doubleEntry } from './invariants/double-entry.ts';
import { findingsSettled } from './invariants/findings-settled.ts';
import { idempotency } from './invariants/idempotency.ts';
import { ledgersEqual } from './invariants/ledgers-equal.ts';
import { legalOrderHistory } from './invariants/legal-order-history.ts';
import { legalSagaHistory } from './invariants/legal-saga-history.ts';
import { mailsOnce } from './invariants/mails-once.ts';
import { moneyConserved } from './invariants/money-conserved.ts';
import { noDoubleCapture } from './invariants/no-double-capture.ts';
import { noLostOrder } from './invariants/no-lost-order.ts';
import { noOrphanAuthorization } from './invariants/no-orphan-authorization.ts';
import { noOversell } from './invariants/no-oversell.ts';
import { nothingParked } from './invariants/nothing-parked.ts';
import { notificationsQueued } from './invariants/notifications-queued.ts';
import { orderRows } from './invariants/order-rows.ts';
import { priceIntegrity } from './invariants/price-integrity.ts';
import { reservationsFollowOrders } from './invariants/reservations-follow-orders.ts';
import { reservedUnits } from './invariants/reserved-units.ts';
import { sagaAtomicity } from './invariants/saga-atomicity.ts';
import { sandboxBooks } from './invariants/sandbox-books.ts';

export const INVARIANTS: readonly Invariant[] = [
  noOversell,
  reservedUnits,
  reservationsFollowOrders,
  noDoubleCapture,
  moneyConserved,
  doubleEntry,
  ledgersEqual,
  sandboxBooks,
  findingsSettled,
  noOrphanAuthorization,
  noLostOrder,
  idempotency,
  boundedTermination,
  legalOrderHistory,
  legalSagaHistory,
  sagaAtomicity,
  consumedOnce,
  answeredOnce,
  aggregateOrder,
  denseNumbering,
  orderRows,
  availability,
  cartStates,
  notificationsQueued,
  causation,
  priceIntegrity,
  mailsOnce,
  nothingParked,
];
