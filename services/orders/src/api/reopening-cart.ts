// A cart whose last order ended without a sale opens again, as soon as cart has heard of it. A customer may be faster:
// their order was just declined and they pay with another card at once. For them the refusal is untrue a moment later.
import { Code, type HandlerContext } from '@connectrpc/connect';
import { reasonOf, refuse } from '@stoa/chassis/rpc/errors';
import type { OrdersContext } from '../context.ts';
import { newestStatusOf } from '../infrastructure/orders.ts';

/** Cart usually knows within tens of milliseconds; each look asks cart and catalog. */
const LOOK_AGAIN_MS = 100;
/** No further attempt starts with less than this left: it could only end unanswered. */
const ATTEMPT_NEEDS_MS = 500;

type Ports = Pick<OrdersContext, 'db' | 'clock'>;
type Call = Pick<HandlerContext, 'signal' | 'timeoutMs'>;

/**
 * After a refusal: returns, a moment later, when the cart is about to open again and the call has time for another
 * attempt; throws CART_REOPENING when it has none, and every other refusal as it is.
 */
export async function untilReopened({ db, clock }: Ports, cartId: string, refusal: unknown, call: Call): Promise<void> {
  if (reasonOf(refusal) !== 'CART_ALREADY_ORDERED') throw refusal;
  const status = await newestStatusOf(db, cartId);
  if (status !== 'REJECTED' && status !== 'CANCELLED') throw refusal;
  const left = call.timeoutMs() ?? Infinity;
  if (call.signal.aborted || left < LOOK_AGAIN_MS + ATTEMPT_NEEDS_MS) {
    throw refuse(Code.Aborted, 'CART_REOPENING', 'the cart is about to open again; please repeat the request');
  }
  await clock.sleep(LOOK_AGAIN_MS, call.signal);
}
