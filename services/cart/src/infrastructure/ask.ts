// How cart asks its neighbours: bounded, and with "no answer" as a value, because a cart is shown and changed without
// prices too. Only the caller's own cancellation is passed on as an error.
import type { CallOptions, HandlerContext } from '@connectrpc/connect';
import type { Metrics } from '@stoa/chassis/metrics';
import { relay } from '@stoa/chassis/rpc/caller';

/** Half of cart's own deadlines: what is left suffices to store the change and to answer with the stored prices. */
const ANSWER_WAIT_MS = 1500;

export async function ask<T>(
  call: HandlerContext,
  metrics: Metrics,
  neighbour: string,
  request: (options: CallOptions) => Promise<T>,
): Promise<T | undefined> {
  const options = relay(call);
  try {
    return await request({ ...options, timeoutMs: Math.min(options.timeoutMs ?? ANSWER_WAIT_MS, ANSWER_WAIT_MS) });
  } catch (error) {
    if (call.signal.aborted) throw error;
    // The chassis logs failed calls; here it counts how often carts went without prices.
    metrics.count('cart_unpriced_total', 'Answers that lacked prices because a neighbour did not give them', {
      neighbour,
    });
    return undefined;
  }
}
