// Applies commands and provider answers to payments: lock, decide, write, publish, for many payments at once. The
// only way in which a payment ever changes.
import type { Cause } from '@stoa/chassis/events/envelope';
import type { Tx } from '@stoa/chassis/postgres/database';
import type { PaymentsContext } from '../context.ts';
import { pauseMs } from '../domain/backoff.ts';
import { decide, mustRepeat } from '../domain/decide.ts';
import { evolve } from '../domain/evolve.ts';
import type { Input, Payment, PaymentEvent, ProviderAnswer } from '../domain/payment.ts';
import { publishAnswer } from './answers.ts';
import { type AttemptChange, type AttemptKey, beginAttempts, changeAttempts } from './attempt-store.ts';
import { bookMovements, type Movement } from './ledger-store.ts';
import { insertPayments, lockPayments, type StoredPayment, updatePayments } from './payment-store.ts';

interface PaymentInput<I extends Input> {
  readonly orderId: string;
  readonly input: I;
}

/** A command, with the message that brought it. */
export interface CommandInput extends PaymentInput<Exclude<Input, ProviderAnswer>> {
  readonly cause: Cause;
}

/** A provider's answer to the `attempts`-th call of an operation. */
export interface AnswerInput extends PaymentInput<ProviderAnswer> {
  readonly attempts: number;
}

/** What a batch writes, collected before anything is sent. */
interface Writes {
  readonly inserted: StoredPayment[];
  readonly updated: StoredPayment[];
  readonly begun: AttemptKey[];
  readonly changed: AttemptChange[];
  readonly movements: Movement[];
}

/** Applies inputs, at most one for each order. Returns whether calls to the provider became due. */
export async function applyInputs(
  tx: Tx,
  context: PaymentsContext,
  inputs: readonly (CommandInput | AnswerInput)[],
): Promise<boolean> {
  const stored = await lockPayments(
    tx,
    inputs.map((item) => item.orderId),
  );
  const writes: Writes = { inserted: [], updated: [], begun: [], changed: [], movements: [] };
  for (const item of inputs) applyOne(tx, context, stored.get(item.orderId), item, writes);
  // The payments first: attempts and ledger refer to them. They are sent together and run in this order.
  await Promise.all([
    insertPayments(tx, writes.inserted),
    updatePayments(tx, writes.updated),
    beginAttempts(tx, writes.begun),
    changeAttempts(tx, writes.changed),
    bookMovements(tx, context.deps.provider.name, writes.movements),
  ]);
  return writes.begun.length > 0;
}

function applyOne(
  tx: Tx,
  context: PaymentsContext,
  stored: StoredPayment | undefined,
  item: CommandInput | AnswerInput,
  writes: Writes,
): void {
  const before = stored?.payment;
  const events = decide(item.orderId, before, item.input, context.deps.provider);
  if ('attempts' in item && before !== undefined) {
    if (mustRepeat(before, item.input)) writes.changed.push(putOff(context, before, item));
  }
  if (events.length === 0) return;
  const cause = 'cause' in item ? item.cause : (stored?.cause ?? tx.cause);
  const updatedAt = context.clock.now();
  let payment = before;
  for (const event of events) {
    noteAttempts(payment, event, writes);
    payment = evolve(payment, event);
    if (event.kind === 'captured') writes.movements.push({ payment, kind: 'capture' });
    if (event.kind === 'refunded') writes.movements.push({ payment, kind: 'refund' });
    if (event.kind === 'answered') publishAnswer(context, tx, { payment, cause, updatedAt }, event);
  }
  const list = before === undefined ? writes.inserted : writes.updated;
  list.push({ payment: payment as Payment, cause, updatedAt });
}

/** An operation that begins is owed from now on; the one under way ends by its definite answer or by being given up. */
function noteAttempts(payment: Payment | undefined, event: PaymentEvent, writes: Writes): void {
  if (payment === undefined) return;
  const { paymentId, operation } = payment;
  const ended = endOf(event);
  if (operation !== undefined && ended !== undefined) {
    writes.changed.push({ paymentId, operation, pauseMs: 0, ...ended });
  }
  if (event.kind === 'operation_begun') writes.begun.push({ paymentId, operation: event.operation });
}

/** How an event ends the operation that is under way; undefined when it leaves it alone. */
function endOf(event: PaymentEvent): Pick<AttemptChange, 'state' | 'error'> | undefined {
  switch (event.kind) {
    case 'operation_begun':
      return { state: 'SUPERSEDED', error: '' };
    case 'declined':
    case 'capture_refused':
      return { state: 'DONE', error: event.code };
    case 'authorized':
    case 'captured':
    case 'voided':
    case 'refunded':
      return { state: 'DONE', error: '' };
    case 'opened':
    case 'closed_unopened':
    case 'goal_raised':
    case 'action_required':
    case 'became_unknown':
    case 'answered':
      return undefined;
    default:
      return event satisfies never;
  }
}

function putOff(context: PaymentsContext, payment: Payment, { input, attempts }: AnswerInput): AttemptChange {
  const { retryBaseMs, retryCapMs } = context.config;
  const { operation, outcome } = input;
  return {
    paymentId: payment.paymentId,
    operation,
    state: 'DUE',
    pauseMs: pauseMs(attempts, { baseMs: retryBaseMs, capMs: retryCapMs }, context.random.below),
    error: outcome.kind === 'approved' || outcome.kind === 'action_required' ? outcome.kind : outcome.code,
  };
}
