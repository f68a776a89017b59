import { createLog } from '@stoa/chassis/log';
import { expect, test } from 'vitest';

const CANARY = 'ada@example.org';

function capture() {
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => lines.push(line) });
  return { log, lines, last: () => JSON.parse(lines.at(-1) as string) as Record<string, unknown> };
}

/** What node-postgres throws: PostgreSQL says the values of the row in `detail` and the statement's in `where`. */
function databaseError(cause?: unknown) {
  class DatabaseError extends Error {
    code = '23505';
    detail = `Key (email)=(${CANARY}) already exists.`;
    where = `unnamed portal parameter $1 = '${CANARY}'`;
    constraint = 'account_email_key';
  }
  return new DatabaseError('duplicate key value violates unique constraint', { cause });
}

test('of an error only type, message, code and stack are written', () => {
  const { log, last, lines } = capture();
  log.error('it failed', { error: databaseError() });
  expect(Object.keys(last().err as object).sort()).toEqual(['code', 'message', 'stack', 'type']);
  expect(last()).toMatchObject({ msg: 'it failed', err: { type: 'DatabaseError', code: '23505' } });
  expect(lines.join()).not.toContain(CANARY);
});

test('causes are written like the error itself, however deep', () => {
  const { log, last, lines } = capture();
  log.warn('it failed', { error: new Error('outer', { cause: databaseError(new TypeError('innermost')) }) });
  expect(last()).toMatchObject({
    err: { message: 'outer', cause: { code: '23505', cause: { type: 'TypeError', message: 'innermost' } } },
  });
  expect(lines.join()).not.toContain(CANARY);
});

test('an error that causes itself is written nevertheless', () => {
  const { log, lines } = capture();
  const error = new Error('round and round');
  error.cause = error;
  log.error('it failed', { error });
  expect(lines).toHaveLength(1);
});

test('of something thrown that is no error nothing is copied', () => {
  const { log, last, lines } = capture();
  log.error('it failed', { error: { email: CANARY, message: CANARY } });
  expect(last().err).toEqual({ type: 'object' });
  log.error('it failed', { error: null });
  expect(last().err).toEqual({ type: 'object' });
  log.error('it failed', { error: 'a sentence' });
  expect(last().err).toEqual({ type: 'string', message: 'a sentence' });
  expect(lines.join()).not.toContain(CANARY);
});

test('a code that is an object is not written', () => {
  const { log, last } = capture();
  log.error('it failed', { error: Object.assign(new Error('odd'), { code: { email: CANARY } }) });
  expect(last().err).not.toHaveProperty('code');
});

test('fields of `with` stand on every line, sequences as numbers', () => {
  const { log, last } = capture();
  log.with({ service: 'orders', error: databaseError() }).info('here', { sequence: 7n, id: 'a' });
  expect(last()).toMatchObject({ service: 'orders', msg: 'here', sequence: 7, id: 'a', err: { code: '23505' } });
  expect(JSON.stringify(last())).not.toContain(CANARY);
});

test('lines below the level are not written', () => {
  const { log, lines } = capture();
  log.debug('not this');
  expect(lines).toEqual([]);
});
