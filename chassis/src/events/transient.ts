// Which errors say something about a message, and which only about the moment.
import { CommitUnknownError, sqlState } from '../postgres/database.ts';

/** SQLSTATE classes: connection, serialization, resources, locks, the server's shutdown, its system. */
const PASSING_STATES = /^(08|40|53|55|57|58)/;

/** Whether the same thing may work when it is tried again: the database was away, busy or in each other's way. */
export function isTransient(error: unknown): boolean {
  if (error instanceof CommitUnknownError) return true;
  if (PASSING_STATES.test(sqlState(error) ?? '')) return true;
  // The driver's own errors have no SQLSTATE, and Node's are called what they are called.
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown };
  return /connection|timeout|ECONN|EPIPE/i.test(`${message} ${code}`);
}
