// What the clients heard must agree with itself and with the data (I8, I9, I19).
import type { DatabaseServer } from '../ports/server.ts';
import type { Attempt, History, Sighting } from '../world/history.ts';

const PENDING = 1;
const CONFIRMED = 2;

function byKey<T>(list: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** The order of a key. */
interface Stored {
  readonly key: string;
  readonly orderId: string;
  readonly cartId: string;
  readonly status: string;
  readonly totalMinor: bigint;
  /** When it was there for everybody to see. */
  readonly placedMs: number;
}

export function checkHistory(server: DatabaseServer, history: History): string[] {
  const orders = readOrders(server);
  const stored = new Map(orders.map((order) => [order.key, order]));
  const status = new Map(orders.map((order) => [order.orderId, order.status]));
  const keysOf = byKey(orders, ({ cartId }) => cartId);
  return [
    ...[...byKey(history.attempts, ({ key }) => key)].flatMap(([key, attempts]) =>
      checkKey(key, attempts, stored.get(key)),
    ),
    ...history.attempts.flatMap((attempt) => checkRefusal(attempt, stored.get(attempt.key), keysOf)),
    ...history.attempts.flatMap((attempt) => checkTotal(attempt, stored.get(attempt.key))),
    ...checkReopened(history, keysOf),
    ...checkMisuses(history),
    ...[...byKey(history.sightings, ({ orderId }) => orderId)].flatMap(([id, seen]) => checkSightings(id, seen)),
    ...history.missing.map((id) => `I19: ${id} was placed, and whoever placed it was told that it is not there`),
    ...[...history.cancelled]
      .filter((id) => status.get(id) === 'CONFIRMED')
      .map((id) => `I19: the cancellation of ${id} was granted, and it is confirmed`),
  ];
}

function readOrders({ store, committedMs }: DatabaseServer): Stored[] {
  const { rows } = store.query(
    'orders',
    `select k.key, k.order_id, o.status, o.total_minor, o.cart_id, e.event_id
      from orders.idempotency_key k join orders.orders o on o.id = k.order_id
      join orders.outbox e on e.aggregate_id = o.id::text and e.type = 'stoa.orders.v1.OrderPlaced'`,
  );
  return rows.map(({ key, order_id, status, total_minor, cart_id, event_id }) => ({
    key: key as string,
    orderId: order_id as string,
    cartId: cart_id as string,
    status: status as string,
    totalMinor: total_minor as bigint,
    placedMs: committedMs.get(event_id as string) ?? Number.NaN,
  }));
}

/** Whoever has an order is never refused it: not after it was placed, nor because its own order has the cart. */
function checkRefusal(
  { key, cartId, beganMs, heard }: Attempt,
  stored: Stored | undefined,
  keysOf: ReadonlyMap<string, readonly Stored[]>,
): string[] {
  if (stored === undefined || heard?.kind !== 'refused') return [];
  // Refused, it may have been used for another cart.
  if (stored.cartId !== cartId) return [];
  if (!(beganMs <= stored.placedMs)) return [`I9: ${key} has an order, and was refused afterwards: ${heard.reason}`];
  const others = keysOf.get(stored.cartId)?.filter((order) => order.key !== key) ?? [];
  return heard.reason === 'CART_ALREADY_ORDERED' && others.length === 0
    ? [`I9: ${key} was refused because of its own order`]
    : [];
}

function checkKey(key: string, attempts: readonly Attempt[], stored: Stored | undefined): string[] {
  const broken: string[] = [];
  const ids = new Set(attempts.flatMap(({ heard }) => (heard?.kind === 'ok' ? [heard.orderId] : [])));
  if (ids.size > 1) broken.push(`I9: ${key} was answered with several orders: ${[...ids].join(', ')}`);
  for (const id of ids) if (stored?.orderId !== id) broken.push(`I8: ${key} was answered ${id}, which is not stored`);
  if (attempts.every(({ heard }) => heard?.kind === 'unknown')) broken.push(`I8: ${key} was never resolved`);
  return broken;
}

/** Nobody pays another total than the one that was agreed to. */
function checkTotal({ key, expectedMinor }: Attempt, stored: Stored | undefined): string[] {
  if (stored === undefined || expectedMinor === undefined || stored.totalMinor === expectedMinor) return [];
  return [`I18: ${key} agreed to ${expectedMinor}, and its order costs ${stored.totalMinor}`];
}

/** For good, and for as long as cart has not heard of the order's end, which here it has. */
const KEPT_OUT = new Set(['CART_ALREADY_ORDERED', 'CART_REOPENING']);

/** A cart whose orders have all ended without a sale can be ordered, once that is known everywhere. */
function checkReopened({ attempts, calmMs }: History, keysOf: ReadonlyMap<string, readonly Stored[]>): string[] {
  return attempts.flatMap(({ key, cartId, beganMs, heard }) => {
    if (beganMs < calmMs || heard === undefined || heard.kind === 'ok' || !KEPT_OUT.has(heard.reason)) return [];
    const isFree = ({ status, placedMs }: Stored) => placedMs < calmMs && /REJECTED|CANCELLED/.test(status);
    const orders = keysOf.get(cartId) ?? [];
    return orders.every(isFree) ? [`I16: ${key} was refused a cart whose ${orders.length} orders sold nothing`] : [];
  });
}

function checkMisuses({ misuses, attempts }: History): string[] {
  return misuses.flatMap(({ key, beganMs, heard }) => {
    const wasPlaced = attempts.some((a) => a.key === key && a.heard?.kind === 'ok' && a.endedMs <= beganMs);
    const isRefused = heard.kind === 'unknown' || (heard.kind === 'refused' && heard.reason === 'KEY_REUSED');
    return wasPlaced && !isRefused ? [`I9: ${key} was accepted for another cart (${JSON.stringify(heard)})`] : [];
  });
}

/** Whoever saw a version sees no earlier one in a later question, and a decided order stays decided. */
function checkSightings(orderId: string, seen: readonly Sighting[]): string[] {
  return seen.flatMap((later) => {
    const before = seen.filter(({ endedMs }) => endedMs <= later.beganMs);
    const wentBack = before.some(({ version }) => version > later.version);
    const undecided = before.some(({ status }) => status > PENDING && later.status === PENDING);
    const revived = before.some(({ status }) => status > CONFIRMED && later.status !== status);
    return wentBack || undecided || revived ? [`I19: order ${orderId} went back to version ${later.version}`] : [];
  });
}
