// Waits for an order's outcome on behalf of a request that asked for it.
import type { OrdersContext } from '../context.ts';
import { isWorthTelling, type Order } from '../domain/order.ts';
import { loadOrders } from '../infrastructure/orders.ts';

/** The saga may be run by another replica, of whose commits this process hears nothing. */
const LOOK_AGAIN_MS = 500;

/** The order once it is decided or its customer must act, or as it is when the time is up or the caller has gone. */
export async function whenDecided(
  { db, clock, deps }: OrdersContext,
  order: Order,
  waitMs: number,
  signal: AbortSignal,
): Promise<Order> {
  const until = clock.monotonicMs() + waitMs;
  let latest = order;
  while (!isWorthTelling(latest) && !signal.aborted) {
    const left = until - clock.monotonicMs();
    if (left <= 0) break;
    await deps.outcomes.wait(order.id, Math.min(left, LOOK_AGAIN_MS), signal);
    latest = (await loadOrders(db, [order.id])).get(order.id) ?? latest;
  }
  return latest;
}
