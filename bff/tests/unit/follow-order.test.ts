import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { notFound, refuse } from '@stoa/chassis/rpc/errors';
import { type Order, OrderSchema, OrderStatus, OrderStep } from '@stoa/proto/stoa/orders/v1/order_pb';
import { describe, expect, test } from 'vitest';
import {
  createOrderFeed,
  FOLLOWERS_OF_CLIENT_MAX,
  type Follower,
  type OrderFeed,
} from '../../src/graphql/orders/feed.ts';
import { followOrder, REREAD_MS } from '../../src/graphql/orders/follow.ts';
import { virtualClock } from '../virtual-clock.ts';

const ID = '0190a000-0000-7000-8000-000000000001';

function order(
  version: number,
  status: OrderStatus = OrderStatus.PENDING,
  step: OrderStep = OrderStep.RESERVING,
): Order {
  return create(OrderSchema, { id: ID, version: BigInt(version), status, step });
}

/** A follower's world: what the bus tells, what a read finds, and the clock. */
function world(first: Order) {
  const followers = new Set<Follower>();
  const feed: OrderFeed = {
    follow(_order, _client, follower) {
      followers.add(follower);
      return () => followers.delete(follower);
    },
    get followers() {
      return followers.size;
    },
    close: () => {},
  };
  const clock = virtualClock();
  const client = new AbortController();
  const state: { read: () => Promise<Order>; reads: number } = { read: async () => first, reads: 0 };
  const read = (signal: AbortSignal) => {
    state.reads += 1;
    return Promise.race([
      state.read(),
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    ]);
  };
  const states = followOrder(ID, { feed, client: 'somebody', clock, signal: client.signal, read });
  const tell = (...orders: Order[]) => {
    for (const each of orders) for (const follower of followers) follower.changed(each);
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { feed, followers, clock, client, state, states, tell, settle };
}

const version = async (next: Promise<IteratorResult<Order, void>>) => {
  const { value, done } = await next;
  return done ? 'done' : Number(value?.version);
};

describe('following an order', () => {
  test('tells the present state at once and then each newer one, in order', async () => {
    const { states, tell } = world(order(3));
    expect(await version(states.next())).toBe(3);
    tell(order(5), order(4));
    expect(await version(states.next())).toBe(4);
    expect(await version(states.next())).toBe(5);
    const next = states.next();
    tell(order(6));
    expect(await version(next)).toBe(6);
  });

  test('never tells an older state or the same twice', async () => {
    const { states, tell, clock, state, settle } = world(order(3));
    await states.next();
    tell(order(2), order(3), order(3));
    const next = states.next();
    await settle();
    state.read = async () => order(2);
    clock.advance(REREAD_MS);
    await settle();
    tell(order(4));
    expect(await version(next)).toBe(4);
  });

  test('hears what happens while the first read is under way', async () => {
    const { states, tell, state, settle } = world(order(1));
    const reading = Promise.withResolvers<Order>();
    state.read = () => reading.promise;
    const first = states.next();
    await settle();
    tell(order(2));
    reading.resolve(order(1));
    expect(await version(first)).toBe(1);
    expect(await version(states.next())).toBe(2);
  });

  test('reads again after 5 s without an event, since events may be lost', async () => {
    const { states, clock, state, settle } = world(order(1));
    await states.next();
    const next = states.next();
    await settle();
    state.read = async () => order(2, OrderStatus.CONFIRMED, OrderStep.DONE);
    clock.advance(REREAD_MS - 1);
    await settle();
    expect(state.reads).toBe(1);
    clock.advance(1);
    expect(await version(next)).toBe(2);
  });

  test.each([
    ['rejected', order(2, OrderStatus.REJECTED, OrderStep.DONE)],
    ['cancelled', order(2, OrderStatus.CANCELLED, OrderStep.DONE)],
    ['confirmed with its shipment arranged', order(2, OrderStatus.CONFIRMED, OrderStep.DONE)],
  ])('completes once the order is %s', async (_, last) => {
    const { states, tell, followers } = world(order(1));
    await states.next();
    tell(last);
    expect(await version(states.next())).toBe(2);
    expect(await version(states.next())).toBe('done');
    expect(followers.size).toBe(0);
  });

  test('goes on while a confirmed order waits for its shipment', async () => {
    const { states, tell } = world(order(1));
    await states.next();
    tell(order(2, OrderStatus.CONFIRMED, OrderStep.ARRANGING_SHIPMENT));
    expect(await version(states.next())).toBe(2);
    const next = states.next();
    // As the event has it: a tracking number, and no step.
    const shipped = { ...order(3, OrderStatus.CONFIRMED, OrderStep.UNSPECIFIED), trackingNumber: 'T1' };
    tell(shipped);
    expect(await version(next)).toBe(3);
    expect(await version(states.next())).toBe('done');
  });

  test('of a final order tells it once and completes', async () => {
    const { states } = world(order(9, OrderStatus.REJECTED));
    expect(await version(states.next())).toBe(9);
    expect(await version(states.next())).toBe('done');
  });
});

describe('a following that ends early', () => {
  test('return() while it waits unsubscribes at once', async () => {
    const { states, followers, clock, settle } = world(order(1));
    await states.next();
    const waiting = states.next();
    await settle();
    expect(clock.sleepers).toBe(1);
    await states.return();
    expect(await version(waiting)).toBe('done');
    expect(followers.size).toBe(0);
    expect(clock.sleepers).toBe(0);
  });

  test('return() while it reads cancels the read and unsubscribes', async () => {
    const { states, followers, state, clock, settle } = world(order(1));
    await states.next();
    state.read = () => new Promise(() => {});
    const waiting = states.next();
    await settle();
    clock.advance(REREAD_MS);
    await settle();
    await states.return();
    expect(await version(waiting)).toBe('done');
    expect(followers.size).toBe(0);
  });

  test('return() before the first state never subscribes', async () => {
    const { states, followers, state } = world(order(1));
    await states.return();
    expect(followers.size).toBe(0);
    expect(state.reads).toBe(0);
  });

  test('the client going away ends it', async () => {
    const { states, client, followers, settle } = world(order(1));
    await states.next();
    const waiting = states.next();
    await settle();
    client.abort();
    expect(await version(waiting)).toBe('done');
    expect(followers.size).toBe(0);
  });

  test('the process stopping ends it', async () => {
    const { states, followers, settle } = world(order(1));
    await states.next();
    const waiting = states.next();
    await settle();
    for (const follower of followers) follower.closed();
    expect(await version(waiting)).toBe('done');
  });

  test('an order that the caller may not read ends it with that error, and nothing stays subscribed', async () => {
    const { states, state, followers } = world(order(1));
    state.read = async () => {
      throw notFound('ORDER_NOT_FOUND', 'no such order');
    };
    await expect(states.next()).rejects.toThrow('no such order');
    expect(followers.size).toBe(0);
  });

  test('a session that ends later ends it with that error', async () => {
    const { states, state, clock, followers, settle } = world(order(1));
    await states.next();
    const next = states.next();
    await settle();
    state.read = async () => {
      throw refuse(Code.Unauthenticated, 'TOKEN_EXPIRED', 'the access token has expired');
    };
    clock.advance(REREAD_MS);
    await expect(next).rejects.toThrow('expired');
    expect(followers.size).toBe(0);
  });

  test('a service that is away for a while does not', async () => {
    const { states, state, clock, settle, tell } = world(order(1));
    await states.next();
    const next = states.next();
    await settle();
    state.read = async () => {
      throw new ConnectError('away', Code.Unavailable);
    };
    clock.advance(REREAD_MS);
    await settle();
    tell(order(2));
    expect(await version(next)).toBe(2);
  });
});

describe('the feed', () => {
  const nobody: Follower = { changed: () => {}, closed: () => {} };

  test('listens to the bus only while somebody follows, once for all', () => {
    let subscriptions = 0;
    let open = 0;
    const feed = createOrderFeed(
      {
        subscribe: () => {
          subscriptions += 1;
          open += 1;
          return () => {
            open -= 1;
          };
        },
      },
      10,
    );
    const leaveA = feed.follow('a', 'ada', { ...nobody });
    const leaveB = feed.follow('b', 'bob', { ...nobody });
    expect([subscriptions, open]).toEqual([1, 1]);
    leaveA();
    leaveA();
    expect([feed.followers, open]).toEqual([1, 1]);
    leaveB();
    expect([feed.followers, open]).toEqual([0, 0]);
  });

  test('refuses further followers when it has as many as it may', () => {
    const feed = createOrderFeed({ subscribe: () => () => {} }, 1);
    const leave = feed.follow('a', 'ada', { ...nobody });
    expect(() => feed.follow('b', 'bob', { ...nobody })).toThrow('no further subscription');
    leave();
    feed.follow('b', 'bob', { ...nobody });
  });

  test('refuses a client that has twenty, and nobody else', () => {
    const feed = createOrderFeed({ subscribe: () => () => {} }, 100);
    const leave = Array.from({ length: FOLLOWERS_OF_CLIENT_MAX }, (_, n) => feed.follow(`o${n}`, 'ada', { ...nobody }));
    expect(() => feed.follow('a', 'ada', { ...nobody })).toThrow('this client has enough');
    feed.follow('b', 'bob', { ...nobody });
    leave[0]?.();
    leave[0]?.();
    feed.follow('a', 'ada', { ...nobody });
    expect(() => feed.follow('a', 'ada', { ...nobody })).toThrow('this client has enough');
  });
});
