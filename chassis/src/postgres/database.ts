// The database as a port. The adapter for PostgreSQL is pg-database.ts; the simulation has its own.
import type { Cause, OutboxRecord } from '../events/envelope.ts';
import type { Statement } from './sql.ts';

export interface Queryable {
  /** All rows. */
  rows<Row>(statement: Statement<Row>): Promise<Row[]>;
  /** The only row; throws when there is none or more than one. */
  one<Row>(statement: Statement<Row>): Promise<Row>;
  /** The row, or undefined; throws when there is more than one. */
  maybe<Row>(statement: Statement<Row>): Promise<Row | undefined>;
  /** Runs it for its effect; the number of rows it touched. */
  run(statement: Statement<unknown>): Promise<number>;
}

/** An open transaction. Pass it down; never start another one inside (a full pool would deadlock). */
export interface Tx extends Queryable {
  /** Events published in this transaction; written to the outbox in one statement just before commit. */
  readonly outbox: OutboxRecord[];
  /** What the events of this transaction are caused by, unless `publish` names something else. */
  readonly cause: Cause;
  /** Called once after the commit succeeded; not when it failed or its outcome is unknown. Must not throw. */
  afterCommit(callback: () => void): void;
  /**
   * Runs in a savepoint: when `body` throws, its writes, its published events and its callbacks are undone and the error
   * passed on.
   */
  savepoint<T>(body: () => Promise<T>): Promise<T>;
}

export interface TransactOptions {
  readonly cause?: Cause;
  readonly signal?: AbortSignal;
  /** Runs as REPEATABLE READ READ ONLY: one snapshot for several reads. */
  readonly snapshot?: boolean;
}

export interface Database extends Queryable {
  /**
   * Runs `body` in a READ COMMITTED transaction and commits. Serialization failures and deadlocks are retried, so
   * `body` must have no effect outside the transaction. Throws `CommitUnknownError` when the commit's answer was lost.
   */
  transact<T>(body: (tx: Tx) => Promise<T>, options?: TransactOptions): Promise<T>;
}

/** The connection was lost between COMMIT and its answer: it may or may not have happened. Look before you repeat. */
export class CommitUnknownError extends Error {
  override readonly name = 'CommitUnknownError';
}

/** SQLSTATEs that callers branch on. */
export const SqlState = {
  uniqueViolation: '23505',
  checkViolation: '23514',
  foreignKeyViolation: '23503',
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
} as const;

/** The SQLSTATE of an error from the database, or undefined for any other error (EPIPE has five letters, too). */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Name of the constraint that an error is about, or undefined. */
export function violatedConstraint(error: unknown): string | undefined {
  const constraint = (error as { constraint?: unknown } | null)?.constraint;
  return typeof constraint === 'string' ? constraint : undefined;
}
