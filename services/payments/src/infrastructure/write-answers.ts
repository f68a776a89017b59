// Writes what the provider said about many payments in one transaction. A payment whose row contradicts its answer is
// written apart, so that it holds up nobody but itself.
import { sqlState } from '@stoa/chassis/postgres/database';
import type { PaymentsContext } from '../context.ts';
import { ImpossibleEventError } from '../domain/evolve.ts';
import { type AnswerInput, applyInputs } from './apply-inputs.ts';
import type { Committed } from './group-commit.ts';

/** Throws when nothing could be written, for example because the database is away. */
export async function writeAnswers(
  context: PaymentsContext,
  batch: readonly AnswerInput[],
): Promise<readonly Committed<void>[]> {
  const write = (answers: readonly AnswerInput[]) => context.db.transact((tx) => applyInputs(tx, context, answers));
  try {
    await write(batch);
    return batch.map(() => ({ ok: true, result: undefined }));
  } catch (error) {
    if (batch.length === 1 || !isAboutOne(error)) throw error;
  }
  const committed: Committed<void>[] = [];
  for (const answer of batch) {
    try {
      await write([answer]);
      committed.push({ ok: true, result: undefined });
    } catch (error) {
      committed.push({ ok: false, error });
    }
  }
  return committed;
}

/** Data or a constraint (SQLSTATE classes 22 and 23) or the state machine objected, not the connection. */
function isAboutOne(error: unknown): boolean {
  return error instanceof ImpossibleEventError || /^2[23]/.test(sqlState(error) ?? '');
}
