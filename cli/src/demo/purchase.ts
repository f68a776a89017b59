// One purchase from empty cart to accepted order, as a careful client does it: everything that may be repeated is
// repeated when no answer comes, the order always under one key, and what is sold out is replaced by something else.
import { randomUUID } from 'node:crypto';
import type { Customer } from './customers.ts';
import type { Failure, Result } from './graphql.ts';
import { withPatience } from './patience.ts';
import type { Plan } from './plan.ts';
import type { ShopWindow } from './shop-window.ts';
import type { Caller, Cart, Money, OrderStatus, OrderTicket, PlaceOrder, Storefront } from './storefront.ts';
import type { Tally } from './tally.ts';

export interface Shopping {
  readonly storefront: Storefront;
  readonly window: ShopWindow;
  readonly customers: readonly Customer[];
  readonly tally: Tally;
  /** How long a request without an answer is repeated. */
  readonly patienceMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Accepted extends OrderTicket {
  readonly plan: Plan;
  readonly total: Money;
  readonly status: OrderStatus;
  /** When the order was first asked for, on this process' monotonic clock. */
  readonly askedAt: number;
}

/** Carts tried before the shopper goes home. */
const CARTS_MAX = 5;
const PARALLEL_REQUESTS = 3;
/** The shop's own reasons to fill another cart: somebody was quicker, or a price has changed. */
const TRY_ANOTHER_CART = new Set(['CART_HAS_PROBLEMS', 'PRICE_CHANGED', 'CART_EMPTY']);

/** The accepted order; undefined when there is none, which the tally then knows. */
export async function makePurchase(shopping: Shopping, plan: Plan): Promise<Accepted | undefined> {
  const { tally, window } = shopping;
  const avoid = new Set<string>();
  for (let tries = 0; tries < CARTS_MAX && !shopping.signal?.aborted; tries++) {
    const filled = await patiently(shopping, () => fillCart(shopping, plan, avoid));
    if (!filled.ok) return fail(tally, filled);
    const { cart } = filled;
    const blocking = cart.problems.filter((problem) => problem.blocking);
    for (const { sku } of blocking) if (sku !== null) avoid.add(sku);
    const total = cart.totals?.total;
    if (blocking.length > 0 || cart.lines.length === 0 || total == null) continue;
    const request: PlaceOrder = {
      cartId: cart.id,
      idempotencyKey: randomUUID(),
      paymentMethodId: window.paymentMethodId,
      paymentToken: plan.card.token,
      expectedTotal: total,
    };
    const askedAt = performance.now();
    const placed = await placeAsPlanned(shopping, plan, request);
    if (placed.ok) {
      tally.acceptedAfter(placed.answeredAt - askedAt);
      return { id: placed.id, accessToken: placed.accessToken, status: placed.status, plan, total, askedAt };
    }
    if (!TRY_ANOTHER_CART.has(placed.code)) return fail(tally, placed);
  }
  tally.counts.unavailable += 1;
  return undefined;
}

function fail(tally: Tally, failure: Failure): undefined {
  tally.fail(failure);
  return undefined;
}

function patiently<T>({ tally, patienceMs, signal }: Shopping, request: () => Promise<Result<T>>): Promise<Result<T>> {
  const onRetry = () => {
    tally.counts.retried += 1;
  };
  return withPatience(request, { limitMs: patienceMs, signal, onRetry });
}

async function callerFor({ customers, signal }: Shopping, { customer }: Plan): Promise<Result<{ caller: Caller }>> {
  const who = customer === undefined ? undefined : customers[customer];
  if (who === undefined) return { ok: true, caller: { signal } };
  const answer = await who.accessToken();
  return answer.ok ? { ok: true, caller: { accessToken: answer.token, signal } } : answer;
}

/** A new cart each time it is called: adding lines again after a lost answer would add them twice. */
async function fillCart(shopping: Shopping, plan: Plan, avoid: ReadonlySet<string>): Promise<Result<{ cart: Cart }>> {
  const { storefront, window } = shopping;
  const { draw, address, lineCount, index, isShort } = plan;
  const [shipping, who] = await Promise.all([window.shippingTo(address.country, draw), callerFor(shopping, plan)]);
  if (!shipping.ok) return shipping;
  if (!who.ok) return who;
  const lines = window.chooseLines(draw, lineCount, avoid);
  const email = `demo-shopper-${index}@example.test`;
  const details = { email, address, shippingMethodId: shipping.id };
  if (isShort) return storefront.createCart({ lines, ...details }, who.caller);
  const created = await storefront.createCart({}, who.caller);
  if (!created.ok) return created;
  for (const line of lines) {
    const added = await storefront.addLines(created.cart.id, [line], who.caller);
    if (!added.ok) return added;
  }
  return storefront.setDetails(created.cart.id, details, who.caller);
}

interface Placed extends OrderTicket {
  readonly status: OrderStatus;
  readonly answeredAt: number;
}

async function place(
  shopping: Shopping,
  plan: Plan,
  request: PlaceOrder,
): Promise<Result<Placed & { repeated: boolean }>> {
  return patiently(shopping, async () => {
    const who = await callerFor(shopping, plan);
    if (!who.ok) return who;
    const answer = await shopping.storefront.placeOrder(request, who.caller);
    if (!answer.ok) return answer;
    const { order, accessToken, repeated } = answer;
    const answeredAt = performance.now();
    return { ok: true, id: order.id, status: order.status, accessToken, repeated, answeredAt };
  });
}

/** Places it, once or several times with the same key; all answers must be about one order. */
async function placeAsPlanned(shopping: Shopping, plan: Plan, request: PlaceOrder): Promise<Result<Placed>> {
  const { tally } = shopping;
  const parallel = plan.repetition === 'parallel' ? PARALLEL_REQUESTS : 1;
  const answers = await Promise.all(Array.from({ length: parallel }, () => place(shopping, plan, request)));
  if (plan.repetition === 'sequential' && answers[0]?.ok) answers.push(await place(shopping, plan, request));
  tally.counts.repeated += answers.length - 1;
  const placed = answers.filter((answer) => answer.ok);
  const first = placed[0];
  if (first === undefined) return answers[0] as Failure;
  for (const answer of answers) {
    if (!answer.ok) {
      tally.disagree(`order ${first.id}: the same request under the same key was answered ${answer.code}`);
    } else if (answer.id !== first.id || answer.accessToken !== first.accessToken) {
      tally.disagree(`one key, two orders: ${first.id} and ${answer.id}`);
    }
  }
  if (placed.filter((answer) => !answer.repeated).length > 1) {
    tally.disagree(`order ${first.id}: two answers claim to have placed it`);
  }
  return first;
}
