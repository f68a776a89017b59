// Waiting until nothing moves any more: no saga runs, everything is numbered, every consumer has applied its topic, no
// mail is due, and the reconciler has nothing left to put right.
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from '@stoa/chassis/postgres/sql';
import type { OpenDatabases } from './look.ts';
import { REMEDIED } from './remedied.ts';
import { SERVICE_DATABASES, SUBSCRIPTIONS } from './topology.ts';

const POLL_MS = 500;

export interface Quiet {
  readonly isQuiet: boolean;
  readonly waitedMs: number;
  /** What still moves. */
  readonly busy: readonly string[];
}

export async function waitUntilQuiet(databases: OpenDatabases, limitMs: number): Promise<Quiet> {
  const startedAt = performance.now();
  for (;;) {
    const busy = await whatMoves(databases);
    const waitedMs = Math.round(performance.now() - startedAt);
    if (busy.length === 0 || waitedMs >= limitMs) return { isQuiet: busy.length === 0, waitedMs, busy };
    await sleep(Math.min(POLL_MS, Math.max(1, limitMs - waitedMs)));
  }
}

/**
 * Watermarks, then what they passed without applying it, then heads, then sagas: what moves in between is seen at the
 * later of two places.
 */
async function whatMoves(databases: OpenDatabases): Promise<string[]> {
  const watermarks = new Map<string, bigint>();
  const heads = new Map<string, bigint>();
  let unnumbered = 0n;
  let handed = 0n;
  for (const database of openServices(databases)) {
    const rows = await database.rows(sql<{ consumer: string; seq: bigint }>`
      select consumer, seq from consumer_watermark`);
    for (const { consumer, seq } of rows) watermarks.set(consumer, seq);
    handed += (await database.one(sql<{ count: bigint }>`select count(*) from handed_event`)).count;
  }
  for (const database of openServices(databases)) {
    const rows = await database.rows(sql<{ topic: string; seq: bigint }>`select topic, seq from outbox_head`);
    for (const { topic, seq } of rows) heads.set(topic, seq);
    const waiting = await database.one(sql<{ count: bigint }>`select count(*) from outbox where pub_seq is null`);
    unnumbered += waiting.count;
  }
  const behind = SUBSCRIPTIONS.flatMap(({ consumer, topic, database }) => {
    const lag = (heads.get(topic) ?? 0n) - (watermarks.get(consumer) ?? 0n);
    return databases[database] === undefined || lag <= 0n ? [] : [`${consumer} is ${lag} behind`];
  });
  return [
    ...(await busyOrders(databases)),
    ...(unnumbered > 0n ? [`${unnumbered} events are not numbered`] : []),
    ...behind,
    ...(handed > 0n ? [`${handed} messages are with a canary`] : []),
    ...(await dueMails(databases)),
    ...(await lateCharges(databases)),
    ...(await remedies(databases)),
  ];
}

const openServices = (databases: OpenDatabases) =>
  SERVICE_DATABASES.flatMap((name) => (databases[name] === undefined ? [] : [databases[name]]));

async function busyOrders({ orders }: OpenDatabases): Promise<string[]> {
  if (orders === undefined) return [];
  const { count } = await orders.one(sql<{ count: bigint }>`
    select count(*) from saga where state not in ('COMPLETED', 'COMPENSATED')`);
  return count > 0n ? [`${count} orders are in flight`] : [];
}

/** Only mails that were never tried: a mail server that is away does not keep the shop from being quiet. */
async function dueMails({ notifications }: OpenDatabases): Promise<string[]> {
  if (notifications === undefined) return [];
  const { count } = await notifications.one(sql<{ count: bigint }>`
    select count(*) from notification where state = 'QUEUED' and attempts <= 1 and reason = ''`);
  return count > 0n ? [`${count} mails are due`] : [];
}

/** Before `remedies`: what the sandbox tells in between is a suspect by then. Webhooks, like mails, only at first. */
async function lateCharges({ sandbox }: OpenDatabases): Promise<string[]> {
  if (sandbox === undefined) return [];
  const { count } = await sandbox.one(sql<{ count: bigint }>`
    select (select count(*) from charge where appears_at is not null
        and (state in ('PROCESSING', 'REQUIRES_ACTION') or (state = 'VOIDED' and token = 'tok_charge_after_void'))
        and not exists (select from ledger where provider_key = authorize_key))
      + (select count(*) from webhook where sends > 0 and tries <= 1) as count`);
  return count > 0n ? [`${count} charges or webhooks of the sandbox are still to come`] : [];
}

/** Payments at which the reconciler looks, or is to look, for the first time, and what it is putting right. */
async function remedies({ payments }: OpenDatabases): Promise<string[]> {
  if (payments === undefined) return [];
  const { count } = await payments.one(sql<{ count: bigint }>`
    select count(*) from (
      select payment_id from reconciliation_suspect where looks = 1 or (looks = 0 and next_look_at <= now())
      union
      select payment_id from reconciliation_finding
      where resolved_at is null and kind = any(${[...REMEDIED]}::text[])) as open`);
  return count > 0n ? [`${count} payments are being reconciled`] : [];
}
