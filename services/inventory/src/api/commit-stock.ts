// CommitStock: a hold becomes permanent. The units stay promised, so no stock row is touched; three statements whatever
// the batch's size.
import type { Received } from '@stoa/chassis/events/envelope';
import type { Tx } from '@stoa/chassis/postgres/database';
import type { CommitStockSchema } from '@stoa/proto/stoa/inventory/v1/commands_pb';
import { StockCommitRefusedSchema, StockCommittedSchema } from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import type { InventoryContext } from '../context.ts';
import { decideCommit, type Reservation } from '../domain/reservation.ts';
import { lockReservations, markCommitted } from '../infrastructure/reservations.ts';
import { closeGate } from '../infrastructure/stock-gate.ts';
import { writeReservation } from './answers.ts';

export async function commitStock(
  tx: Tx,
  batch: readonly Received<typeof CommitStockSchema>[],
  context: InventoryContext,
): Promise<void> {
  await closeGate(tx);
  const orderIds = batch.map(({ message }) => message.orderId);
  const known = await lockReservations(tx, orderIds);
  const decisions = new Map(orderIds.map((orderId) => [orderId, decideCommit(known.get(orderId))]));
  const committing = orderIds.filter((orderId) => decisions.get(orderId)?.kind === 'commit');
  if (committing.length > 0) await markCommitted(tx, committing);
  for (const { message, cause } of batch) {
    const { orderId } = message;
    const decision = decisions.get(orderId);
    const reservation = known.get(orderId);
    if (reservation === undefined || decision?.kind === 'refused') {
      const reason = decision?.kind === 'refused' ? decision.reason : 'NOT_HELD';
      context.publish(tx, StockCommitRefusedSchema, { orderId, reason }, cause);
      // A hold found overdue is given back now rather than at the job's next turn.
      if (reservation?.state === 'HELD') tx.afterCommit(() => context.wake('expire-holds'));
    } else {
      context.publish(
        tx,
        StockCommittedSchema,
        { orderId, reservation: writeReservation(committed(reservation)) },
        cause,
      );
    }
  }
}

function committed(reservation: Reservation): Reservation {
  if (reservation.state === 'SHIPPED') return reservation;
  return { ...reservation, state: 'COMMITTED', expiresAt: undefined };
}
