// What a handler throws becomes what a caller sees. ConnectErrors are meant for the caller and pass; a database that
// cannot be reached is Unavailable; everything else is a bug of ours: Internal with a fixed text, the cause only in
// the log.
import { Code, ConnectError } from '@connectrpc/connect';
import type { Log } from '../log.ts';
import { CommitUnknownError, SqlState, sqlState } from '../postgres/database.ts';
import { isPassing } from '../postgres/passing.ts';

/** What a handler throws because it was interrupted: by its signal, or by the statement's cancellation. */
export function isInterruption(error: unknown): boolean {
  if (error instanceof ConnectError) return true;
  return (error instanceof Error && error.name === 'AbortError') || sqlState(error) === SqlState.queryCanceled;
}

/** Why the call failed, for the log. */
export interface FailedCall {
  readonly method: string;
  readonly traceId: string;
}

/** The error for the caller. What the caller does not get to see is logged. */
export function toConnectError(error: unknown, log: Log, call: () => FailedCall): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof CommitUnknownError) {
    log.warn('the outcome of a commit is unknown', { ...call(), error });
    return new ConnectError('the outcome is unknown; the request may be repeated', Code.Unavailable);
  }
  const state = sqlState(error);
  if (state === SqlState.serializationFailure || state === SqlState.deadlockDetected) {
    log.warn('a transaction kept losing races', { ...call(), error });
    return new ConnectError('too much contention, try again', Code.Aborted);
  }
  if (isPassing(error)) {
    log.warn('a dependency did not answer', { ...call(), error });
    return new ConnectError('a dependency is unavailable', Code.Unavailable);
  }
  log.error('a handler failed', { ...call(), error });
  return new ConnectError('internal error', Code.Internal);
}
