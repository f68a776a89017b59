// The comparison in passing: everything that is new at the provider and in our ledger, many at a time. What differs here
// may only be late; it becomes a suspect, and is looked at by itself.
import type { PaymentsContext } from '../../context.ts';
import { compare, type ProviderRecord, unknownPayment } from '../../domain/reconcile.ts';
import { readPayments } from '../payment-store.ts';
import {
  endPass,
  forgetWebhooks,
  giveBackPass,
  type LedgerCursor,
  leasePass,
  type Pass,
  readLedger,
  renewPass,
} from './progress-store.ts';
import { suspect } from './suspect-store.ts';

const LEDGER_PAGE = 2000;
/** What is under way gets this long before it is looked at by itself. */
const UNDER_WAY_MS = 30_000;
/** What a page may take beyond the deadline of its call; then somebody else may begin the pass anew. */
const LEASE_MARGIN_MS = 30_000;

/** Payments that the provider has shown in this pass, with its name for the record. */
type Shown = Map<string, string>;

/** Asked after each page: whether there shall be another. */
type GoesOn = () => Promise<boolean>;

/** Makes the pass that is due, if any; whether there was one. However it ends, the next one is not long in coming. */
export async function runPass(context: PaymentsContext, signal: AbortSignal): Promise<boolean> {
  const { db, config, deps } = context;
  const { reconcileEveryMs: everyMs, reconcileGraceMs: graceMs } = config;
  const leaseMs = config.callDeadlineMs + LEASE_MARGIN_MS;
  const pass = await leasePass(db, deps.provider.name, { graceMs, leaseMs });
  if (pass === undefined) return false;
  const goesOn = async () => !signal.aborted && (await renewPass(db, pass, leaseMs));
  let isWhole = false;
  try {
    const shown: Shown = new Map();
    isWhole =
      (await compareRecords(context, pass, shown, goesOn)) && (await compareLedger(context, pass, shown, goesOn));
    if (isWhole) await forgetWebhooks(db);
  } finally {
    if (isWhole) await endPass(db, pass, everyMs);
    // Another replica may begin at once; a provider that fails is not asked the more often for it.
    else await giveBackPass(db, pass, signal.aborted ? 0 : everyMs);
  }
  return true;
}

/** What is new at the provider; whether all of it was compared. */
async function compareRecords(context: PaymentsContext, pass: Pass, shown: Shown, goesOn: GoesOn): Promise<boolean> {
  let cursor: string | undefined;
  do {
    const page = await context.deps.provider.list(pass.since, cursor);
    // What is newer belongs to the next pass: most of it is still under way.
    const old = page.records.filter(({ changedAt }) => changedAt <= pass.until);
    await comparePage(context, old, shown);
    cursor = page.cursor;
  } while (cursor !== undefined && (await goesOn()));
  return cursor === undefined;
}

async function comparePage(context: PaymentsContext, page: readonly ProviderRecord[], shown: Shown) {
  const byPayment = new Map<string, ProviderRecord[]>();
  for (const record of page) byPayment.set(record.paymentId, [...(byPayment.get(record.paymentId) ?? []), record]);
  const ours = await readPayments(context.db, [...byPayment.keys()]);
  const differing = [...byPayment].filter(([paymentId, records]) => {
    // A second record of a payment may stand on another page.
    const reference = records[0]?.reference ?? '';
    const isSecond = shown.has(paymentId) && shown.get(paymentId) !== reference;
    shown.set(paymentId, reference);
    const payment = ours.get(paymentId);
    if (payment === undefined) return records.some((record) => unknownPayment(record) !== undefined);
    return payment.operation === undefined && (isSecond || compare(payment, records).length > 0);
  });
  const underWay = [...ours.values()].filter(({ operation }) => operation !== undefined);
  await suspect(
    context.db,
    differing.map(([paymentId]) => paymentId),
    0,
  );
  await suspect(
    context.db,
    underWay.map(({ paymentId }) => paymentId),
    UNDER_WAY_MS,
  );
}

/** Movements that we have booked and the provider has not shown: it may not have them. Whether all were looked at. */
async function compareLedger(context: PaymentsContext, pass: Pass, shown: Shown, goesOn: GoesOn): Promise<boolean> {
  let cursor: LedgerCursor | undefined;
  do {
    const page = await readLedger(context.db, pass, cursor, LEDGER_PAGE);
    await suspect(
      context.db,
      page.paymentIds.filter((paymentId) => !shown.has(paymentId)),
      0,
    );
    cursor = page.cursor;
  } while (cursor !== undefined && (await goesOn()));
  return cursor === undefined;
}
