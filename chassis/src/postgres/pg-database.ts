// The Database port over node-postgres. This file alone checks clients out, so that one place owns the error listener,
// ROLLBACK, `release(error)` and the tag of COMMIT: each of them, forgotten, poisons the pool or loses the truth.
import type { Writable } from 'node:stream';
import pg from 'pg';
import type { Cause, OutboxRecord } from '../events/envelope.ts';
import { NO_CAUSE } from '../events/envelope.ts';
import { insertOutbox } from '../events/outbox.ts';
import { type Failpoints, NO_FAILPOINTS } from '../failpoint.ts';
import type { Log } from '../log.ts';
import type { Clock, Random } from '../runtime.ts';
import { CommitUnknownError, type Database, type Queryable, SqlState, sqlState, type Tx } from './database.ts';
import { isConnectionError } from './passing.ts';
import type { Statement } from './sql.ts';

export interface PgDatabaseOptions {
  readonly url: string;
  /** Connections at most. @default 6 */
  readonly poolMax?: number;
  readonly applicationName: string;
  /** @default 5000 */
  readonly statementTimeoutMs?: number;
  /** @default 2000 */
  readonly lockTimeoutMs?: number;
  /**
   * How the server is to plan: `by-key` for code whose every statement looks its rows up by an index; `by-cost` for
   * questions about whole tables. @default 'by-cost'
   */
  readonly plans?: 'by-cost' | 'by-key';
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly failpoints?: Failpoints;
  /** Told after each commit that published: the publisher's wake-up. */
  readonly onPublished?: () => void;
}

export interface PgDatabase extends Database {
  /** Callers waiting for a connection. */
  waiting(): number;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 3000;
/** For a server that no longer answers; any other takes a moment. */
const CLOSE_TIMEOUT_MS = 2000;
const RETRIES_MAX = 8;
const RETRY_BASE_MS = 5;
/**
 * A statement that is prepared while its table is small is planned to scan it, and keeps that plan until the table is
 * analyzed, minutes and ten thousands of rows later. These settings make the look-up by key win from the first row on;
 * where there is no index, a scan is still what happens.
 */
const PLANS_BY_KEY = ['random_page_cost=1.1', 'enable_seqscan=off', 'enable_hashjoin=off', 'enable_mergejoin=off']
  .map((setting) => `-c ${setting}`)
  .join(' ');
const INT8 = 20;
const INT8_ARRAY = 1016;

type Parser = (text: string) => unknown;

const int8Array: Parser = (text) => (text === '{}' ? [] : text.slice(1, -1).split(',').map(BigInt));

/** Integers beyond 2^53 must not lose digits; everything else is node-postgres' own reading. */
const types = {
  getTypeParser(oid: number, format?: string): Parser {
    if (oid === INT8) return BigInt;
    if (oid === INT8_ARRAY) return int8Array;
    return pg.types.getTypeParser(oid, format as 'text') as Parser;
  },
};

function createPool(options: PgDatabaseOptions): pg.Pool {
  const { url, poolMax = 6, applicationName, statementTimeoutMs = 5000, lockTimeoutMs = 2000, plans } = options;
  const pool = new pg.Pool({
    connectionString: url,
    max: poolMax,
    application_name: applicationName,
    ...(plans === 'by-key' ? { options: PLANS_BY_KEY } : {}),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    idle_in_transaction_session_timeout: 2 * statementTimeoutMs,
    // Above the server's own limit: it ends a wait for a server that no longer answers.
    query_timeout: statementTimeoutMs + 1000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5000,
    // BEGIN travels with the first statement, the outbox with COMMIT.
    pipeline: true,
    types,
  } as pg.PoolConfig);
  // Without a listener an idle client whose backend ends takes the process with it.
  pool.on('error', (error) => options.log.warn('an idle database connection was lost', { error }));
  return pool;
}

function queryable(query: (statement: Statement<unknown>) => Promise<pg.QueryResult>): Queryable {
  const maybe = async <Row>(statement: Statement<Row>) => {
    const { rows } = await query(statement);
    if (rows.length > 1) throw new Error(`expected one row, got ${rows.length}: ${statement.text}`);
    return rows[0] as Row | undefined;
  };
  return {
    rows: async <Row>(statement: Statement<Row>) => (await query(statement)).rows as Row[],
    maybe,
    one: async (statement) => {
      const row = await maybe(statement);
      if (row === undefined) throw new Error(`expected a row, got none: ${statement.text}`);
      return row;
    },
    run: async (statement) => (await query(statement)).rowCount ?? 0,
  };
}

const asQuery = ({ name, text, values }: Statement<unknown>) => ({ name, text, values: values as unknown[] });

const isRetryable = (error: unknown) =>
  sqlState(error) === SqlState.serializationFailure || sqlState(error) === SqlState.deadlockDetected;

interface OpenTx extends Tx {
  readonly callbacks: (() => void)[];
  /** Throws what kept a statement from being sent at all: the server knows nothing of it, and would commit the rest. */
  throwUnsent(): void;
}

function openTx(client: pg.PoolClient, cause: Cause): OpenTx {
  const outbox: OutboxRecord[] = [];
  const callbacks: (() => void)[] = [];
  let savepoints = 0;
  let unsent: Error | undefined;
  // With a callback, because a value that cannot be written down is told to it before query() returns.
  const send = (statement: Statement<unknown>) =>
    new Promise<pg.QueryResult>((resolve, reject) => {
      let isSent = false;
      client.query(asQuery(statement), (error: Error | null, result: pg.QueryResult) => {
        if (error === null) return resolve(result);
        if (!isSent) unsent ??= error;
        reject(error);
      });
      isSent = true;
    });
  return {
    ...queryable(send),
    outbox,
    cause,
    callbacks,
    throwUnsent() {
      if (unsent !== undefined) throw unsent;
    },
    afterCommit: (callback) => callbacks.push(callback),
    async savepoint(body) {
      const name = `s${++savepoints}`;
      const published = outbox.length;
      const promised = callbacks.length;
      await client.query(`savepoint ${name}`);
      try {
        const result = await body();
        await client.query(`release savepoint ${name}`);
        return result;
      } catch (error) {
        outbox.length = published;
        callbacks.length = promised;
        await client.query(`rollback to savepoint ${name}`);
        throw error;
      }
    },
  };
}

async function commit(client: pg.PoolClient): Promise<void> {
  let command: string;
  try {
    ({ command } = await client.query('commit'));
  } catch (error) {
    // Without a word of the server nobody knows, whatever the driver calls it.
    if (sqlState(error) !== undefined && !isConnectionError(error)) throw error;
    throw new CommitUnknownError('the answer to COMMIT was lost', { cause: error });
  }
  // An aborted transaction answers COMMIT with ROLLBACK and no error.
  if (command !== 'COMMIT') throw new Error('the transaction was rolled back: one of its statements had failed');
}

/** A refusal of the outbox says more than the rollback that follows it; of a lost connection COMMIT's error does. */
function throwFirst(written: PromiseSettledResult<unknown>, committed: PromiseSettledResult<unknown>): void {
  if (written.status === 'rejected' && !isConnectionError(written.reason)) throw written.reason;
  for (const answer of [committed, written]) if (answer.status === 'rejected') throw answer.reason;
}

/**
 * What is asked of this client in the same turn goes out in one system call: a write to PostgreSQL's socket costs more
 * than building most statements does.
 */
function together(client: pg.PoolClient): void {
  const { stream } = (client as unknown as { connection: { stream: Writable } }).connection;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

/** Opens a pool. Nothing is connected until the first use. */
export function openPgDatabase(options: PgDatabaseOptions): PgDatabase {
  const pool = createPool(options);
  const connections = trackConnections(pool);
  let closing: Promise<void> | undefined;
  const { log, clock, random, failpoints = NO_FAILPOINTS } = options;

  async function attempt<T>(body: (tx: Tx) => Promise<T>, begin: string, cause: Cause): Promise<T> {
    const client = await pool.connect();
    let lost: Error | undefined;
    const onError = (error: Error) => {
      lost = error;
    };
    client.on('error', onError);
    try {
      together(client);
      const begun = client.query(begin);
      begun.catch(() => {}); // Reported by the statements that follow it.
      const tx = openTx(client, cause);
      const result = await body(tx);
      await begun;
      await failpoints.hit('tx.before_commit');
      together(client);
      // The outbox and COMMIT travel together: should the insert fail, COMMIT answers ROLLBACK.
      const written = tx.outbox.length > 0 ? insertOutbox(tx, tx.outbox) : undefined;
      written?.catch(() => {}); // Thrown below, first or with COMMIT's answer.
      tx.throwUnsent();
      const answers = Promise.allSettled([written, commit(client)]);
      await failpoints.hit('tx.commit_sent');
      throwFirst(...(await answers));
      await failpoints.hit('tx.after_commit');
      if (tx.outbox.length > 0) options.onPublished?.();
      for (const callback of tx.callbacks) callback();
      return result;
    } catch (error) {
      lost ??= await rollback(client, error);
      throw error;
    } finally {
      client.off('error', onError);
      client.release(lost);
    }
  }

  return {
    ...queryable((statement) => pool.query(asQuery(statement))),
    async transact(body, { cause = NO_CAUSE, signal, snapshot = false } = {}) {
      const begin = snapshot ? 'begin isolation level repeatable read read only' : 'begin';
      for (let retry = 0; ; retry++) {
        signal?.throwIfAborted();
        try {
          return await attempt(body, begin, cause);
        } catch (error) {
          if (!isRetryable(error) || retry === RETRIES_MAX) throw error;
          log.debug('a transaction is repeated', { error, attempt: retry + 1 });
          await clock.sleep(random.below(RETRY_BASE_MS * 2 ** retry) + 1, signal);
        }
      }
    },
    waiting: () => pool.waitingCount,
    close() {
      closing ??= closePool(pool, connections, clock);
      return closing;
    },
  };
}

/** Those that are open, closing ones included: the pool forgets a connection as soon as it has begun to close it. */
function trackConnections(pool: pg.Pool): ReadonlySet<pg.PoolClient> {
  const open = new Set<pg.PoolClient>();
  pool.on('connect', (client) => open.add(client));
  pool.on('remove', (client) => open.delete(client));
  return open;
}

/** Ends when the server knows it too, so that it can be stopped at once without cutting anybody off. */
async function closePool(pool: pg.Pool, connections: ReadonlySet<pg.PoolClient>, clock: Clock): Promise<void> {
  await pool.end();
  if (connections.size === 0) return;
  const closed = new AbortController();
  pool.on('remove', () => {
    if (connections.size === 0) closed.abort();
  });
  await clock.sleep(CLOSE_TIMEOUT_MS, closed.signal);
}

/** Rolls back; the error to discard the connection with when that is not possible or not safe. */
async function rollback(client: pg.PoolClient, cause: unknown): Promise<Error | undefined> {
  if (cause instanceof CommitUnknownError || isConnectionError(cause)) return cause as Error;
  try {
    await client.query('rollback');
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
