// Waits for an order's outcome on behalf of a request that asked for it.
import type { HandlerContext } from '@connectrpc/connect';
import type { OrdersContext } from '../context.ts';
import { isWorthTelling, type Order } from '../domain/order.ts';
import { loadOrders } from '../infrastructure/orders.ts';

/** The saga may be run by another replica, of whose commits this process hears nothing. */
const LOOK_AGAIN_MS = 500;
/** Kept back from the call's time for the last look and the answer: the order is stored, and that must be told. */
const ANSWER_NEEDS_MS = 200;

type Ports = Pick<OrdersContext, 'db' | 'clock' | 'deps' | 'log'>;
type Call = Pick<HandlerContext, 'signal' | 'timeoutMs'>;

/**
 * The order once it is decided or its customer must act; or as it was last known when the time is up, the caller has
 * gone, or the database cannot be asked: who placed an order is told so in any case.
 */
export async function whenDecided(ports: Ports, order: Order, waitMs: number, call: Call): Promise<Order> {
  const { db, clock, deps, log } = ports;
  const { signal } = call;
  const until = clock.monotonicMs() + Math.min(waitMs, (call.timeoutMs() ?? Infinity) - ANSWER_NEEDS_MS);
  let latest = order;
  while (!isWorthTelling(latest) && !signal.aborted) {
    const left = until - clock.monotonicMs();
    if (left <= 0) break;
    await deps.outcomes.wait(order.id, Math.min(left, LOOK_AGAIN_MS), signal);
    try {
      latest = (await loadOrders(db, [order.id])).get(order.id) ?? latest;
    } catch (error) {
      log.warn('an order that a customer waits for could not be read', { id: order.id, error });
      break;
    }
  }
  return latest;
}
