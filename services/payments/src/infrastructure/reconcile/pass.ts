// The comparison in passing: everything that is new at the provider and in our ledger, many at a time. What differs here
// may only be late; it becomes a suspect, and is looked at by itself.
import type { PaymentsContext } from '../../context.ts';
import { compare, type ProviderRecord, unknownPayment } from '../../domain/reconcile.ts';
import { readPayments } from '../payment-store.ts';
import { endPass, forgetWebhooks, leasePass, type Pass, readLedger } from './progress-store.ts';
import { suspect } from './suspect-store.ts';

const LEDGER_PAGE = 2000;
/** What is under way gets this long before it is looked at by itself. */
const UNDER_WAY_MS = 30_000;
/** Longest pass; then somebody else may begin it anew. */
const LEASE_MS = 300_000;

/** Payments that the provider has shown in this pass, with its name for the record. */
type Shown = Map<string, string>;

/** Makes the pass that is due, if any; whether there was one. */
export async function runPass(context: PaymentsContext, signal: AbortSignal): Promise<boolean> {
  const { reconcileEveryMs: everyMs, reconcileGraceMs: graceMs } = context.config;
  const pass = await leasePass(context.db, context.deps.provider.name, { everyMs, graceMs, leaseMs: LEASE_MS });
  if (pass === undefined) return false;
  const shown: Shown = new Map();
  let cursor: string | undefined;
  do {
    const page = await context.deps.provider.list(pass.since, cursor);
    // What is newer belongs to the next pass: most of it is still under way.
    const old = page.records.filter(({ changedAt }) => changedAt <= pass.until);
    await comparePage(context, old, shown);
    cursor = page.cursor;
  } while (cursor !== undefined && !signal.aborted);
  const ledgerId = await compareLedger(context, pass, shown, signal);
  if (signal.aborted) return true;
  await forgetWebhooks(context.db);
  await endPass(context.db, pass, ledgerId, everyMs);
  return true;
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

/** Movements that we have booked and the provider has not shown: it may not have them. */
async function compareLedger(context: PaymentsContext, pass: Pass, shown: Shown, signal: AbortSignal) {
  let { ledgerId } = pass;
  while (!signal.aborted) {
    const { lastId, paymentIds } = await readLedger(context.db, pass, ledgerId, LEDGER_PAGE);
    if (lastId === ledgerId) return ledgerId;
    await suspect(
      context.db,
      paymentIds.filter((paymentId) => !shown.has(paymentId)),
      0,
    );
    ledgerId = lastId;
  }
  return ledgerId;
}
