// Order events as they pass on the bus, handed to whoever follows that order. One subscription of the topic for the
// whole process, however many clients watch; every BFF process hears the bus, so any of them can serve any order.
import { Code } from '@connectrpc/connect';
import type { LiveEvents } from '@stoa/chassis/events/live';
import { topic } from '@stoa/chassis/events/topic';
import { refuse } from '@stoa/chassis/rpc/errors';
import { file_stoa_orders_v1_events } from '@stoa/proto/stoa/orders/v1/events_pb';
import type { Order } from '@stoa/proto/stoa/orders/v1/order_pb';

export const ORDERS_EVENTS = topic('orders.events', file_stoa_orders_v1_events);

/** One who follows an order. */
export interface Follower {
  changed(order: Order): void;
  /** The process stops serving: end the view, the client will come again elsewhere. */
  closed(): void;
}

export interface OrderFeed {
  /** Follows an order until the returned function is called. Refuses when the process has enough followers. */
  follow(orderId: string, follower: Follower): () => void;
  readonly followers: number;
  close(): void;
}

/** The feed of this process. It listens to the bus only while somebody follows. */
export function createOrderFeed(live: LiveEvents, followersMax: number): OrderFeed {
  const byOrder = new Map<string, Set<Follower>>();
  let count = 0;
  let unsubscribe: (() => void) | undefined;
  let open = true;

  const leave = (orderId: string, follower: Follower) => {
    const followers = byOrder.get(orderId);
    if (followers?.delete(follower) !== true) return;
    if (followers.size === 0) byOrder.delete(orderId);
    count -= 1;
    if (count > 0) return;
    unsubscribe?.();
    unsubscribe = undefined;
  };

  return {
    follow(orderId, follower) {
      if (!open || count >= followersMax) {
        throw refuse(Code.Unavailable, 'TOO_MANY_SUBSCRIPTIONS', 'no further subscription can be served right now');
      }
      unsubscribe ??= live.subscribe(ORDERS_EVENTS, (event) => {
        // Every message of this topic carries the order's whole state; see orders/v1/events.proto.
        const { order } = event.message as unknown as { readonly order?: Order };
        if (order === undefined) return;
        for (const each of byOrder.get(event.aggregateId) ?? []) each.changed(order);
      });
      const followers = byOrder.get(orderId) ?? new Set();
      byOrder.set(orderId, followers.add(follower));
      count += 1;
      return () => leave(orderId, follower);
    },
    get followers() {
      return count;
    },
    close() {
      open = false;
      for (const follower of [...byOrder.values()].flatMap((followers) => [...followers])) follower.closed();
    },
  };
}
