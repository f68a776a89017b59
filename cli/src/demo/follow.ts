// Follows accepted orders until they are decided, by reading several of them in one request. Each order is asked for
// less and less often; the requests in flight are bounded, so that following never outweighs buying.
import { setTimeout as sleep } from 'node:timers/promises';
import { ORDERS_AT_ONCE, type Order, type OrderTicket, type Storefront } from './storefront.ts';
import type { Tally } from './tally.ts';

export interface Follower {
  /** The order once it is decided; undefined when that took too long. */
  follow(ticket: OrderTicket): Promise<Order | undefined>;
  readonly following: number;
  stop(): Promise<void>;
}

interface Followed {
  readonly ticket: OrderTicket;
  readonly giveUpAt: number;
  readonly decided: (order: Order | undefined) => void;
  nextAt: number;
  pauseMs: number;
  version: number;
}

const FIRST_PAUSE_MS = 25;
const PAUSE_MAX_MS = 1000;
const PAUSE_FACTOR = 1.4;
const REQUESTS_MAX = 6;
const TICK_MS = 5;
const AFTER_FAILURE_MS = 500;

export function createFollower(
  storefront: Pick<Storefront, 'orders'>,
  tally: Pick<Tally, 'counts' | 'disagree' | 'fail'>,
  withinMs: number,
): Follower {
  const followed = new Map<string, Followed>();
  const requests = new Set<Promise<void>>();
  const stopping = new AbortController();

  async function look(batch: readonly Followed[]): Promise<void> {
    const answer = await storefront.orders(batch.map(({ ticket }) => ticket));
    const now = performance.now();
    if (!answer.ok) {
      if (answer.retryable) tally.counts.retried += 1;
      else tally.fail(answer);
    }
    for (const [index, one] of batch.entries()) {
      const order = answer.ok ? answer.orders[index] : undefined;
      if (order === null) tally.disagree(`order ${one.ticket.id} was accepted and then could not be found`);
      if (order != null) judge(one, order);
      if (order != null && order.status !== 'PENDING') settle(one, order);
      else if (now > one.giveUpAt) settle(one, undefined);
      else {
        one.pauseMs = answer.ok ? Math.min(PAUSE_MAX_MS, one.pauseMs * PAUSE_FACTOR) : AFTER_FAILURE_MS;
        one.nextAt = now + one.pauseMs;
      }
    }
  }

  function judge(one: Followed, order: Order): void {
    if (order.id !== one.ticket.id) tally.disagree(`asked for order ${one.ticket.id}, got ${order.id}`);
    if (order.version < one.version) {
      tally.disagree(`order ${order.id} went back from version ${one.version} to ${order.version}`);
    }
    one.version = order.version;
  }

  function settle(one: Followed, order: Order | undefined): void {
    followed.delete(one.ticket.id);
    one.decided(order);
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const now = performance.now();
      const due = [...followed.values()].filter(({ nextAt }) => nextAt <= now);
      for (let n = 0; n < due.length && requests.size < REQUESTS_MAX; n += ORDERS_AT_ONCE) {
        const batch = due.slice(n, n + ORDERS_AT_ONCE);
        // Not asked for again while the question is open.
        for (const one of batch) one.nextAt = Number.POSITIVE_INFINITY;
        const request: Promise<void> = look(batch).finally(() => requests.delete(request));
        requests.add(request);
      }
      await sleep(TICK_MS);
    }
    await Promise.all(requests);
  }

  const running = run();
  return {
    follow: (ticket) =>
      new Promise((decided) => {
        const now = performance.now();
        const pause = { nextAt: now + FIRST_PAUSE_MS, pauseMs: FIRST_PAUSE_MS };
        followed.set(ticket.id, { ticket, giveUpAt: now + withinMs, decided, version: 0, ...pause });
      }),
    get following() {
      return followed.size;
    },
    async stop() {
      stopping.abort();
      await running;
      for (const one of [...followed.values()]) settle(one, undefined);
    },
  };
}
