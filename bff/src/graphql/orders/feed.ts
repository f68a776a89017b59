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
  /**
   * Follows an order until the returned function is called. Refuses when the client (any text that stands for it), or the
   * process, has enough followers.
   */
  follow(orderId: string, client: string, follower: Follower): () => void;
  readonly followers: number;
  close(): void;
}

/** More than one shopper has open; a client that leaks streams, or means harm, leaves the others theirs. */
export const FOLLOWERS_OF_CLIENT_MAX = 20;

/** The feed of this process. It listens to the bus only while somebody follows. */
export function createOrderFeed(live: LiveEvents, followersMax: number): OrderFeed {
  const byOrder = new Map<string, Set<Follower>>();
  const byClient = new Map<string, number>();
  let count = 0;
  let unsubscribe: (() => void) | undefined;
  let open = true;

  const leave = (orderId: string, client: string, follower: Follower) => {
    const followers = byOrder.get(orderId);
    if (followers?.delete(follower) !== true) return;
    if (followers.size === 0) byOrder.delete(orderId);
    const left = (byClient.get(client) ?? 0) - 1;
    if (left > 0) byClient.set(client, left);
    else byClient.delete(client);
    count -= 1;
    if (count > 0) return;
    unsubscribe?.();
    unsubscribe = undefined;
  };

  return {
    follow(orderId, client, follower) {
      const ofClient = byClient.get(client) ?? 0;
      if (ofClient >= FOLLOWERS_OF_CLIENT_MAX) {
        throw refuse(Code.ResourceExhausted, 'TOO_MANY_SUBSCRIPTIONS', 'this client has enough subscriptions open');
      }
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
      byClient.set(client, ofClient + 1);
      count += 1;
      return () => leave(orderId, client, follower);
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
