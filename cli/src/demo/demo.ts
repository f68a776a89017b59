// `stoa demo`: shoppers who drive real checkouts through GraphQL, each one purchase at a time, and watch what becomes
// of their orders. The report is not ok when an accepted order was not decided in time, or two answers disagree.
import { randomUUID } from 'node:crypto';
import { registerCustomers } from './customers.ts';
import { createFollower, type Follower } from './follow.ts';
import { withPatience } from './patience.ts';
import { type Card, planPurchase } from './plan.ts';
import { showProgress } from './progress.ts';
import { type Accepted, makePurchase, type Shopping } from './purchase.ts';
import { renderDemoReport } from './report-text.ts';
import { openShopWindow } from './shop-window.ts';
import { type Order, openStorefront } from './storefront.ts';
import { createTally, type DemoReport, type Tally } from './tally.ts';

export type { DemoReport } from './tally.ts';

export interface DemoOptions {
  /** For example http://127.0.0.1:4000. */
  readonly url: string;
  readonly orders: number;
  /** Shoppers at a time. */
  readonly concurrency: number;
  /** What is bought, how, and with which card. @default 1 */
  readonly seed?: number;
  readonly json: boolean;
  readonly out: NodeJS.WritableStream;
  /** Ends it early; what was accepted is still followed. */
  readonly signal?: AbortSignal;
  /** How long a request without an answer is repeated. @default 120000 */
  readonly patienceMs?: number;
  /** How long an accepted order may take to be decided. @default 300000 */
  readonly decidedWithinMs?: number;
  /** Shoppers go on beyond `orders` until it is aborted. @default they do not */
  readonly goOnUntil?: AbortSignal;
  /** Told of every order that the shop accepts. */
  readonly onAccepted?: () => void;
}

const CUSTOMERS_MAX = 6;
const FOLLOWER_CONNECTIONS = 6;
/** Reasons for which any order may be rejected, whatever its card: somebody was quicker, or a step took too long. */
const ANY_CARD = /^(INSUFFICIENT_STOCK|[A-Z_]+_TIMED_OUT|HOLD_EXPIRED)$/;

export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const { url, concurrency, seed = 1, json, out, signal, patienceMs = 120_000, decidedWithinMs = 300_000 } = options;
  const storefront = openStorefront(url, concurrency + FOLLOWER_CONNECTIONS);
  let tally = createTally();
  try {
    const opened = await withPatience(() => openShopWindow(storefront), { limitMs: patienceMs, signal });
    if (!opened.ok) {
      tally.fail(opened);
      const report = { ...tally.report(url, seed), ok: false };
      print(report, json, out);
      return report;
    }
    const run = randomUUID().slice(0, 8);
    const wanted = Math.min(CUSTOMERS_MAX, Math.ceil(options.orders / 10));
    const registered = await registerCustomers(storefront, run, wanted, { limitMs: patienceMs, signal });
    // Anew: registering customers is not part of what is measured.
    tally = createTally();
    if (registered.failure !== undefined) tally.fail(registered.failure);
    const { customers } = registered;
    const follower = createFollower(storefront, tally, decidedWithinMs);
    await shop({ storefront, window: opened.window, customers, tally, patienceMs, signal }, follower, options);
    await follower.stop();
    const report = tally.report(url, seed);
    print(report, json, out);
    return report;
  } finally {
    await storefront.close();
  }
}

function print(report: DemoReport, json: boolean, out: NodeJS.WritableStream): void {
  out.write(json ? `${JSON.stringify(report, null, 2)}\n` : renderDemoReport(report));
}

/** Lets so many shoppers buy at a time, and waits until the last order is decided. */
async function shop(shopping: Shopping, follower: Follower, options: DemoOptions): Promise<void> {
  const { tally } = shopping;
  const { orders, concurrency, seed = 1, signal, out, json, goOnUntil, onAccepted } = options;
  const slow = new Set<Promise<void>>();
  let begun = 0;
  let done = 0;
  const progress = json ? undefined : showProgress(out, orders, () => done, tally);
  const shopper = async () => {
    while ((begun < orders || goOnUntil?.aborted === false) && !signal?.aborted) {
      const plan = planPurchase(seed, begun++, shopping.customers.length);
      tally.counts.purchases += 1;
      const accepted = await makePurchase(shopping, plan);
      if (accepted === undefined) {
        done++;
        continue;
      }
      onAccepted?.();
      const decided = watch(accepted, follower, tally).finally(() => {
        done++;
        slow.delete(decided);
      });
      if (plan.card.isSlow) slow.add(decided);
      else await decided;
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, orders) }, shopper));
  await Promise.all(slow);
  progress?.stop();
}

async function watch(accepted: Accepted, follower: Follower, tally: Tally): Promise<void> {
  const { id, askedAt, plan, total } = accepted;
  const order = await follower.follow(accepted);
  if (order === undefined) return tally.neverFinished(id);
  const problem = contradiction(order, plan.card);
  if (problem !== undefined) tally.disagree(`order ${id}: ${problem}`);
  if (order.totals.total.minor !== total.minor || order.totals.total.currency !== total.currency) {
    tally.disagree(`order ${id}: the cart cost ${total.minor}, the order costs ${order.totals.total.minor}`);
  }
  if (order.status === 'CONFIRMED') tally.confirmedAfter(performance.now() - askedAt);
  else if (order.status === 'REJECTED') tally.rejectedFor(order.reason ?? 'UNKNOWN');
  else tally.counts.cancelled += 1;
}

/** What contradicts the card that was used; undefined when the outcome is possible. Exported for tests. */
export function contradiction({ status, reason }: Pick<Order, 'status' | 'reason'>, card: Card): string | undefined {
  if (status === 'CONFIRMED') {
    return card.rejectedFor === undefined ? undefined : `confirmed although ${card.token} cannot pay`;
  }
  if (status === 'CANCELLED') return 'cancelled although nobody asked for it';
  if (reason !== null && (reason === card.rejectedFor || ANY_CARD.test(reason))) return undefined;
  return `rejected for ${reason} although paid with ${card.token}`;
}
