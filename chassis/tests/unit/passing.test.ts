// Which errors say something about what was asked, and which only about the moment.
import { CommitUnknownError } from '@stoa/chassis/postgres/database';
import { errorText } from '@stoa/chassis/postgres/error-text';
import { isConnectionError, isPassing, isTooSlow } from '@stoa/chassis/postgres/passing';
import { expect, it } from 'vitest';

const coded = (code: string, message = 'said the database') => Object.assign(new Error(message), { code });

it.for([
  ['a lost connection', coded('08006')],
  ['a lost race', coded('40001')],
  ['a full disk', coded('53100')],
  ['a lock that is not free', coded('55P03')],
  ['a statement that took too long', coded('57014')],
  ['a shutdown', coded('57P01')],
  ['an error of the disk', coded('58030')],
  ['a primary that became a standby', coded('25006')],
  ['a refused connection', coded('ECONNREFUSED')],
  ['a name that is not known yet', coded('EAI_AGAIN')],
  ['a closed stream', coded('ERR_STREAM_DESTROYED')],
  ['a terminated connection', new Error('Connection terminated unexpectedly')],
  ['a pool without connections', new Error('timeout exceeded when trying to connect')],
  ['an unknown commit', new CommitUnknownError('lost')],
] as const)('%s passes', ([, error]) => {
  expect(isPassing(error)).toBe(true);
});

it.for([
  ['a CHECK that is called like it', coded('23514', 'violates check constraint "timeout_is_positive"')],
  ['a text that is called like it', coded('22P02', 'invalid input syntax for type uuid: "connection"')],
  ['an error of our own that is called like it', new Error('no connection between order and payment: timeout')],
  ['a wrong argument', coded('ERR_INVALID_ARG_TYPE', 'The "timeout" argument must be a number')],
  ['a bug', new TypeError("Cannot read properties of undefined (reading 'connection')")],
  ['nothing', undefined],
] as const)('%s does not pass', ([, error]) => {
  expect(isPassing(error)).toBe(false);
});

it('a connection that broke is not the same as a database that is busy', () => {
  expect([coded('57P01'), coded('08006'), coded('EPIPE')].every(isConnectionError)).toBe(true);
  expect([coded('57014'), coded('53300'), coded('40001')].some(isConnectionError)).toBe(false);
  expect([coded('57014'), coded('55P03')].every(isTooSlow)).toBe(true);
});

it('an error is stored without what PostgreSQL cannot store, and not without end', () => {
  expect(errorText(new Error('a\0b'))).toBe('ab');
  expect(errorText('c'.repeat(3000))).toHaveLength(2000);
  expect(errorText(null)).toBe('null');
});
