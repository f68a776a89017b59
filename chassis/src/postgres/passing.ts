// Which errors are about the moment and not about what was asked: the database was away, busy, or in each other's way.
// The same thing may work when it is done again.
import { CommitUnknownError, SqlState, sqlState } from './database.ts';

/** SQLSTATE classes: connection, transaction rollback, resources, locks, operator's intervention, the server's system. */
const PASSING_STATES = /^(08|40|53|55|57|58)/;
/** A primary that has become a standby answers writes so, until its clients find the new one. */
const READ_ONLY = '25006';
/** What Node calls errors of sockets and name servers. An error of Node's about our own arguments is not among them. */
const SOCKET_CODE = /^(E(AI_|CONN|HOST|NET|PIPE|NOTFOUND|TIMEDOUT|PROTO)|ERR_(SOCKET|STREAM|SSL|TLS))/;
/** What node-postgres and its pool say, without any code, of a connection that broke or could not be had. */
const DRIVER_MESSAGE =
  /^(Connection terminated|Client (has encountered a connection error|was closed)|Query read timeout|timeout e(xceeded when trying to connect|xpired)|Cannot use a pool after calling end)/;

/** Whether a connection broke, or could not be had. What the server says with an SQLSTATE is judged by that alone. */
export function isConnectionError(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return state.startsWith('08') || state.startsWith('57P');
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? SOCKET_CODE.test(code) : DRIVER_MESSAGE.test(error.message);
}

/** Whether the same thing may work when it is tried again. Says nothing about what was asked, then. */
export function isPassing(error: unknown): boolean {
  if (error instanceof CommitUnknownError) return true;
  const state = sqlState(error);
  return state === undefined ? isConnectionError(error) : PASSING_STATES.test(state) || state === READ_ONLY;
}

/** Whether the server gave up because it took too long: less at once may work. */
export function isTooSlow(error: unknown): boolean {
  const state = sqlState(error);
  return state === SqlState.queryCanceled || state === SqlState.lockNotAvailable;
}
