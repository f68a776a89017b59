// How cart asks its neighbours: bounded, and with "no answer" as a value, because a cart is shown and changed without
// prices too. Only the caller's own cancellation is passed on as an error.
import { type CallOptions, Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import type { Log } from '@stoa/chassis/log';
import type { Metrics } from '@stoa/chassis/metrics';
import { relay } from '@stoa/chassis/rpc/caller';

/** Half of cart's own deadlines: what is left suffices to store the change and to answer with the stored prices. */
const ANSWER_WAIT_MS = 1500;
/** What an outage looks like. It is counted, not logged: every cart in the shop would write the same line. */
const OUTAGE = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.ResourceExhausted, Code.Canceled]);

/** What asking reports to. */
export interface Watch {
  readonly metrics: Metrics;
  readonly log: Log;
}

export async function ask<T>(
  call: HandlerContext,
  { metrics, log }: Watch,
  neighbour: string,
  request: (options: CallOptions) => Promise<T>,
): Promise<T | undefined> {
  const options = relay(call);
  try {
    return await request({ ...options, timeoutMs: Math.min(options.timeoutMs ?? ANSWER_WAIT_MS, ANSWER_WAIT_MS) });
  } catch (error) {
    if (call.signal.aborted) throw error;
    const { code } = ConnectError.from(error);
    if (!OUTAGE.has(code)) log.error(`${neighbour} refused to say its prices`, { code: Code[code], error });
    const help = 'Answers that lacked prices because a neighbour did not give them';
    metrics.count('cart_unpriced_total', help, { neighbour, code: Code[code] });
    return undefined;
  }
}
