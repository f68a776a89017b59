// The reconciler: every minute a pass over what is new on either side, and in between a look at each suspect.
//
// A difference counts only when nothing about the payment is under way before and after the provider was asked. What
// lies at the provider under a dead payment goes back, for ever, under a key of its own finding. Everything else that
// differs is told and left to a person: nothing about money is guessed.
import type { JobDefinition } from '@stoa/chassis/service';
import type { PaymentsContext } from '../../context.ts';
import { pauseMs } from '../../domain/backoff.ts';
import type { Payment } from '../../domain/payment.ts';
import {
  compare,
  type Finding,
  type FindingKind,
  type ProviderRecord,
  unknownPayment,
} from '../../domain/reconcile.ts';
import { readPayments } from '../payment-store.ts';
import { countOpen, type OpenFinding, writeFindings } from './finding-store.ts';
import { runPass } from './pass.ts';
import { applyRemedy } from './remedy.ts';
import { acquit, leaseSuspects, lookAgain, type Suspect } from './suspect-store.ts';

export const reconcile: JobDefinition<PaymentsContext> = {
  name: 'reconcile',
  // How often to see whether a pass or a suspect is due; webhooks wake it.
  everyMs: 5000,
  run: runReconciler,
};

const SUSPECTS_AT_ONCE = 20;
/** Longest look at one suspect, remedy included; then somebody else may look. */
const LOOK_LEASE_MS = 60_000;
const LOOK_PAUSE = { baseMs: 1000, capMs: 300_000 };

/** Suspects before the pass, which a provider can hold up or end, and after it those that it has brought to light. */
async function runReconciler(context: PaymentsContext, signal: AbortSignal): Promise<boolean> {
  let looks = await lookAtSuspects(context);
  if (await runPass(context, signal)) looks = await lookAtSuspects(context);
  return !signal.aborted && looks === SUSPECTS_AT_ONCE;
}

/** Looks at those that are due; returns how many. */
async function lookAtSuspects(context: PaymentsContext): Promise<number> {
  const suspects = await leaseSuspects(context.db, SUSPECTS_AT_ONCE, LOOK_LEASE_MS);
  await Promise.all(suspects.map((suspect) => lookSafely(context, suspect)));
  await tellOpen(context);
  return suspects.length;
}

/** One that cannot be looked at holds up no other: it keeps its lease and comes again. */
async function lookSafely(context: PaymentsContext, suspect: Suspect): Promise<void> {
  try {
    await look(context, suspect);
  } catch (error) {
    context.log.warn('a payment could not be compared; trying again', { id: suspect.paymentId, error });
  }
}

async function look(context: PaymentsContext, suspect: Suspect): Promise<void> {
  const { paymentId, looks } = suspect;
  const read = async () => (await readPayments(context.db, [paymentId])).get(paymentId);
  const before = await read();
  const records = await context.deps.provider.lookup({ paymentId, reference: before?.reference ?? '' });
  const after = await read();
  const again = () => lookAgain(context.db, paymentId, pauseMs(looks, LOOK_PAUSE, context.random.below));
  if (!isAtRest(before, after)) {
    // UNKNOWN is not settled here: the calls go on under the same key, and their answer counts.
    return again();
  }
  const found = differencesOf(after, records);
  const open = await context.db.transact((tx) => writeFindings(tx, paymentId, found));
  for (const finding of open) tell(context, finding);
  if (open.length === 0) return acquit(context.db, suspect);
  const remedied = await Promise.all(open.map((finding) => applyRemedy(context, after, finding)));
  // What was settled just now is looked at at once, and its finding resolved.
  return remedied.every(Boolean) ? lookAgain(context.db, paymentId, 0) : again();
}

function isAtRest(before: Payment | undefined, after: Payment | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return before.operation === undefined && after.operation === undefined && before.version === after.version;
}

function differencesOf(payment: Payment | undefined, records: readonly ProviderRecord[]): Finding[] {
  if (payment !== undefined) return compare(payment, records);
  return records.flatMap((record) => unknownPayment(record) ?? []);
}

function tell({ log, metrics }: PaymentsContext, { isNew, finding }: OpenFinding): void {
  if (!isNew) return;
  const { kind, paymentId, detail } = finding;
  metrics.count('payments_reconciliation_findings_total', 'Differences with the provider, by kind', { kind });
  log.error(`payments and the provider differ: ${detail}`, { id: paymentId, reason: kind });
}

const KINDS: readonly FindingKind[] = [
  'LATE_AUTHORIZATION',
  'LATE_CHARGE',
  'DUPLICATE_CHARGE',
  'MISSING_AT_PROVIDER',
  'UNKNOWN_PAYMENT',
  'STATE_MISMATCH',
  'AMOUNT_MISMATCH',
];

async function tellOpen({ db, metrics }: PaymentsContext): Promise<void> {
  const open = await countOpen(db);
  for (const kind of KINDS) {
    metrics.gauge('payments_reconciliation_findings_open', 'Open differences with the provider', open.get(kind) ?? 0, {
      kind,
    });
  }
}
