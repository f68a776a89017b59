// What the clients heard must agree with itself and with the data (I8, I9, I19).
import type { Store } from '../ports/store.ts';
import type { Attempt, History, Sighting } from '../world/history.ts';

const PENDING = 1;
const CONFIRMED = 2;

function byKey<T>(list: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

export function checkHistory(store: Store, history: History): string[] {
  const { rows } = store.query(
    'orders',
    'select k.key, k.order_id, o.status from orders.idempotency_key k join orders.orders o on o.id = k.order_id',
  );
  const stored = new Map(rows.map(({ key, order_id }) => [key as string, order_id as string]));
  const status = new Map(rows.map(({ order_id, status }) => [order_id as string, status as string]));
  return [
    ...[...byKey(history.attempts, ({ key }) => key)].flatMap(([key, attempts]) => checkKey(key, attempts, stored)),
    ...checkMisuses(history),
    ...[...byKey(history.sightings, ({ orderId }) => orderId)].flatMap(([id, seen]) => checkSightings(id, seen)),
    ...history.missing.map((id) => `I19: ${id} was placed, and whoever placed it was told that it is not there`),
    ...[...history.cancelled]
      .filter((id) => status.get(id) === 'CONFIRMED')
      .map((id) => `I19: the cancellation of ${id} was granted, and it is confirmed`),
  ];
}

function checkKey(key: string, attempts: readonly Attempt[], stored: ReadonlyMap<string, string>): string[] {
  const broken: string[] = [];
  const ids = new Set(attempts.flatMap(({ heard }) => (heard?.kind === 'ok' ? [heard.orderId] : [])));
  if (ids.size > 1) broken.push(`I9: ${key} was answered with several orders: ${[...ids].join(', ')}`);
  for (const id of ids) if (stored.get(key) !== id) broken.push(`I8: ${key} was answered ${id}, which is not stored`);
  if (attempts.every(({ heard }) => heard?.kind === 'unknown')) broken.push(`I8: ${key} was never resolved`);
  const firstOk = Math.min(...attempts.map(({ heard, endedMs }) => (heard?.kind === 'ok' ? endedMs : Infinity)));
  for (const { beganMs, heard } of attempts) {
    if (beganMs < firstOk || heard?.kind !== 'refused') continue;
    broken.push(`I9: ${key} was answered with an order, and later refused: ${heard.reason}`);
  }
  return broken;
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
