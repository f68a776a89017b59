// The job that gives back what nobody committed or released in time. The database's clock judges, so a process whose
// clock jumps releases nothing early. Several replicas may run it: each takes holds that no other is working on.
import { StockReleasedSchema } from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import type { InventoryContext } from '../context.ts';
import { lockOverdue, markReleased } from '../infrastructure/reservations.ts';
import { passGate } from '../infrastructure/stock-gate.ts';
import { writeReservation } from './answers.ts';
import { released, returnUnits } from './release-stock.ts';

/** One bounded chunk in one transaction; true when there may be more. */
export async function expireHolds(context: InventoryContext, signal: AbortSignal): Promise<boolean> {
  const limit = context.config.expireChunk;
  const count = await context.db.transact(
    async (tx) => {
      await passGate(tx);
      const overdue = await lockOverdue(tx, limit);
      if (overdue.length === 0) return 0;
      await returnUnits(
        context,
        tx,
        overdue.map(({ lines }) => ({ lines, cause: tx.cause })),
      );
      await markReleased(
        tx,
        overdue.map(({ orderId }) => orderId),
        'EXPIRED',
      );
      for (const reservation of overdue) {
        const { orderId } = reservation;
        const now = writeReservation(released(reservation, 'EXPIRED'));
        context.publish(tx, StockReleasedSchema, { orderId, reservation: now, reason: 'EXPIRED' });
      }
      return overdue.length;
    },
    { signal },
  );
  if (count > 0) {
    context.metrics.count('inventory_holds_expired_total', 'Holds that ended without commit or release', {}, count);
    context.log.info('holds expired', { count });
  }
  return count === limit;
}
