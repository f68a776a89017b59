// Notifications in SQL: queued once for each order and template, claimed with a lease, settled by whoever holds the claim.
import type { Queryable, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { NextStep } from '../domain/delivery.ts';
import { categoryOf, type TemplateName } from '../domain/template.ts';

export interface NewNotification {
  readonly id: string;
  readonly orderId: string;
  /** Undefined for a guest. */
  readonly customerId: string | undefined;
  /** The order, as JSON text. */
  readonly snapshot: string;
}

/** Queues the template for each order, unless it was queued before. */
export async function queueNotifications(
  tx: Tx,
  template: TemplateName,
  notifications: readonly NewNotification[],
): Promise<void> {
  await tx.run(sql`
    insert into notification (id, order_id, customer_id, template, category, snapshot)
    select u.id, u.order_id, u.customer_id, ${template}, ${categoryOf(template)}, u.snapshot::jsonb
    from unnest(
      ${notifications.map((one) => one.id)}::uuid[],
      ${notifications.map((one) => one.orderId)}::uuid[],
      ${notifications.map((one) => one.customerId ?? null)}::uuid[],
      ${notifications.map((one) => one.snapshot)}::text[]) with ordinality as u (id, order_id, customer_id, snapshot, n)
    order by u.n
    on conflict (order_id, template) do nothing`);
}

export interface Claimed {
  readonly id: string;
  readonly order_id: string;
  readonly template: TemplateName;
  readonly snapshot: unknown;
  /** Counts this one. */
  readonly attempts: number;
  readonly age_seconds: number;
}

export interface ClaimOptions {
  readonly claim: string;
  readonly limit: number;
  /** After this long somebody else may claim them. */
  readonly leaseSeconds: number;
}

/**
 * Claims due notifications, at most one of an order: the next mail of an order waits until the one before it is settled.
 * Those that the customer does not want are marked SUPPRESSED and not returned. OFFSET 0 keeps the planner from making
 * a join over the whole queue of it: each candidate is looked up, and there are few more of them than are claimed.
 */
export async function claimDue(tx: Tx, { claim, limit, leaseSeconds }: ClaimOptions) {
  const rows = await tx.rows(sql<Claimed & { readonly unwanted: boolean }>`
    with due as (
      select n.id from notification n
      where n.state = 'QUEUED' and n.next_attempt_at <= now()
        and not exists (
          select from notification earlier
          where earlier.order_id = n.order_id and earlier.state = 'QUEUED' and earlier.seq < n.seq
          offset 0)
      order by n.next_attempt_at, n.seq
      limit ${limit}
      for update skip locked)
    update notification n
    set claim = ${claim}, attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => ${leaseSeconds})
    from due where n.id = due.id
    returning n.id, n.order_id, n.template, n.snapshot, n.attempts,
      extract(epoch from now() - n.created_at)::float8 as age_seconds,
      exists (
        select from preference p
        where p.customer_id = n.customer_id and p.category = n.category and not p.enabled) as unwanted`);
  const claimed: Claimed[] = rows.filter((row) => !row.unwanted);
  const suppressed = rows.filter((row) => row.unwanted).map((row) => row.id);
  if (suppressed.length > 0) await suppress(tx, suppressed);
  return { claimed, suppressed: suppressed.length };
}

async function suppress(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.run(sql`
    update notification set state = 'SUPPRESSED', reason = 'PREFERENCE', claim = null, finished_at = now()
    where id = any(${ids}::uuid[])`);
}

export interface SettledStep extends NextStep {
  readonly id: string;
}

/**
 * Records what follows; returns the ids that the claim still held. A claim that ran out changes nothing. Only what is
 * QUEUED has a claim; to ask for the state as well would have the planner read the whole queue by its partial index.
 */
export async function settleClaimed(
  db: Queryable,
  claim: string,
  steps: readonly SettledStep[],
): Promise<ReadonlySet<string>> {
  const rows = await db.rows(sql<{ id: string }>`
    update notification n
    set state = u.state, reason = u.reason, claim = null,
      next_attempt_at = now() + make_interval(secs => u.delay_seconds),
      finished_at = case when u.state = 'QUEUED' then null else now() end
    from unnest(
      ${steps.map((step) => step.id)}::uuid[],
      ${steps.map((step) => step.state)}::text[],
      ${steps.map((step) => step.reason)}::text[],
      ${steps.map((step) => step.delaySeconds)}::float8[]) as u (id, state, reason, delay_seconds)
    where n.id = u.id and n.claim = ${claim}
    returning n.id`);
  return new Set(rows.map((row) => row.id));
}
