// The states of one order from now on: the present one at once, then each newer one, never an older one, until it can
// change no more. Events may be lost or come late and out of turn, so the truth is read again every few seconds; only
// the version decides what is new.
import { Code, ConnectError } from '@connectrpc/connect';
import type { Clock } from '@stoa/chassis/runtime';
import { type Order, OrderStatus, OrderStep } from '@stoa/proto/stoa/orders/v1/order_pb';
import type { OrderFeed } from './feed.ts';

/** Pause after which the order is read again although no event came. */
export const REREAD_MS = 5_000;

/** Events kept while the client does not take them. An order has a dozen; beyond this the oldest is skipped. */
const WAITING_MAX = 32;

export interface FollowOptions {
  readonly feed: OrderFeed;
  /** Whom the view counts for. */
  readonly client: string;
  readonly clock: Clock;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  /** Reads the order with the caller's rights. */
  read(signal: AbortSignal): Promise<Order>;
}

/**
 * Whether nothing will change any more: rejected, cancelled, or confirmed with its shipment arranged. Events carry no
 * step, hence the tracking number.
 */
export function isFinal({ status, step, trackingNumber }: Pick<Order, 'status' | 'step' | 'trackingNumber'>): boolean {
  if (status === OrderStatus.REJECTED || status === OrderStatus.CANCELLED) return true;
  return status === OrderStatus.CONFIRMED && (step === OrderStep.DONE || trackingNumber !== '');
}

/** Whether a read that failed may succeed the next time; without it the view goes on with what it hears. */
function passes(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  return error.code !== Code.Unauthenticated && error.code !== Code.PermissionDenied && error.code !== Code.NotFound;
}

/**
 * Follows an order. `return()` ends it at once, also while it waits: it unsubscribes and cancels a read in flight.
 * An error of the first read, and a session that ends later, end it with that error.
 */
export function followOrder(orderId: string, options: FollowOptions): AsyncGenerator<Order, void, void> {
  const stop = new AbortController();
  const states = run(orderId, options, stop);
  // A generator handles return() only when its current await settles; the wait must be ended from outside.
  const end = states.return.bind(states);
  states.return = (value) => {
    stop.abort(STOPPED);
    return end(value);
  };
  return states;
}

/** A constant, so that aborting costs no stack trace. */
const STOPPED = new ConnectError('the subscription has ended', Code.Canceled);

async function* run(orderId: string, options: FollowOptions, stop: AbortController): AsyncGenerator<Order, void, void> {
  const { feed, client, clock, signal, read } = options;
  const waiting: Order[] = [];
  let wake = new AbortController();
  const onAbort = () => stop.abort(STOPPED);
  const onStop = () => wake.abort(STOPPED);
  const unfollow = feed.follow(orderId, client, {
    changed(order) {
      insertByVersion(waiting, order);
      wake.abort(STOPPED);
    },
    closed: onAbort,
  });
  stop.signal.addEventListener('abort', onStop);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    let last = await read(stop.signal);
    yield last;
    while (!isFinal(last) && !stop.signal.aborted) {
      let next = takeNewer(waiting, last.version);
      if (next === undefined) {
        wake = new AbortController();
        await clock.sleep(REREAD_MS, wake.signal);
        if (stop.signal.aborted) return;
        next = takeNewer(waiting, last.version) ?? (await reread(read, stop.signal));
      }
      if (next === undefined || next.version <= last.version) continue;
      last = next;
      yield last;
    }
  } finally {
    unfollow();
    signal.removeEventListener('abort', onAbort);
  }
}

async function reread(read: FollowOptions['read'], signal: AbortSignal): Promise<Order | undefined> {
  try {
    return await read(signal);
  } catch (error) {
    if (signal.aborted || passes(error)) return undefined;
    throw error;
  }
}

function insertByVersion(waiting: Order[], order: Order): void {
  const place = waiting.findIndex(({ version }) => version >= order.version);
  if (place === -1) waiting.push(order);
  else if (waiting[place]?.version !== order.version) waiting.splice(place, 0, order);
  if (waiting.length > WAITING_MAX) waiting.shift();
}

function takeNewer(waiting: Order[], than: bigint): Order | undefined {
  let next = waiting.shift();
  while (next !== undefined && next.version <= than) next = waiting.shift();
  return next;
}
