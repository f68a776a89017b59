// The Database port over PGlite. One connection, so transactions run one after the other, each within one moment; what
// concurrency can do is brought back in two ways: any transaction may be slow to commit (it is undone and done again
// later, with the ids it drew before, after others that began later), and its outcome may be lost in every way.
import { type Cause, NO_CAUSE, type OutboxRecord } from '@stoa/chassis/events/envelope';
import { insertOutbox } from '@stoa/chassis/events/outbox';
import { CommitUnknownError, type Database, type Queryable, type Tx } from '@stoa/chassis/postgres/database';
import type { Statement } from '@stoa/chassis/postgres/sql';
import { wallClock } from '../kernel/globals.ts';
import { type Incarnation, never } from './process.ts';
import type { DatabaseServer, Lease } from './server.ts';
import { type Result, PgError as ServerError } from './wire.ts';

const RETRIES_MAX = 8;

/** As node-postgres says it. */
const connectionLost = () => new Error('Connection terminated unexpectedly');
const refused = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const isRetryable = (error: unknown) => error instanceof ServerError && /^(40001|40P01)$/.test(error.code);

function queryable(query: (statement: Statement<unknown>) => Promise<Result>): Queryable {
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
    run: async (statement) => (await query(statement)).count,
  };
}

interface Step {
  readonly statement: Statement<unknown>;
  readonly digest: string;
}

const digestOf = ({ rows, count }: Result) =>
  JSON.stringify([count, rows], (_key, value) => (typeof value === 'bigint' ? `${value}n` : value));

interface Attempt {
  readonly tx: Tx;
  readonly callbacks: (() => void)[];
  readonly steps: Step[];
  /** Whether it is to be done again, and everything in it can be. */
  replayable: boolean;
  readonly beganMs: number;
  /** Sequences as they were when it began. */
  readonly before: readonly Sequence[];
}

interface Sequence {
  readonly name: string;
  readonly last_value: bigint;
  readonly is_called: boolean;
}

export interface SimulatedDatabaseOptions {
  readonly server: DatabaseServer;
  readonly process: Incarnation;
  readonly database: string;
  readonly onPublished: () => void;
}

export function openSimulatedDatabase(options: SimulatedDatabaseOptions): Database {
  const { server, process, database, onPublished } = options;
  const { store, kernel, rng } = server;
  const label = `db ${database}`;

  /** Reaches the server, or fails on the way. */
  async function arrive(what: string): Promise<void> {
    await process.wait(rng.between(0.05, server.odds.latencyMaxMs), `${label} ${what}`);
    if (server.away.has(database)) throw refused();
    if (rng.chance(server.odds.broken)) {
      server.count('db: connection broken');
      throw connectionLost();
    }
  }

  const hold = () => new Promise<Lease>((resolve) => server.acquire(process, resolve));

  async function autocommit(statement: Statement<unknown>): Promise<Result> {
    await arrive('statement');
    const lease = await hold();
    let result: Result;
    try {
      result = store.read(database, statement);
    } finally {
      server.release(lease);
    }
    if (rng.chance(server.odds.answerLost)) {
      server.count('db: answer lost');
      await process.wait(rng.between(0, 2000), `${label} answer lost`);
      throw connectionLost();
    }
    return result;
  }

  function begin(lease: Lease, text: string): void {
    lease.open = { database, committed: store.watermarks(database) };
    store.query(database, text);
  }

  function open(cause: Cause, mayReplay: boolean): Attempt {
    const outbox: OutboxRecord[] = [];
    const callbacks: (() => void)[] = [];
    const steps: Step[] = [];
    let savepoints = 0;
    const run = async (statement: Statement<unknown>): Promise<Result> => {
      if (!process.enter()) return never();
      const result = store.execute(database, statement);
      if (mayReplay) steps.push({ statement, digest: digestOf(result) });
      return result;
    };
    const attempt: Attempt = {
      callbacks,
      steps,
      replayable: mayReplay,
      beganMs: wallClock.ms,
      before: mayReplay ? sequences() : [],
      tx: {
        ...queryable(run),
        outbox,
        cause,
        afterCommit: (callback) => callbacks.push(callback),
        async savepoint(body) {
          attempt.replayable = false;
          const name = `s${++savepoints}`;
          const published = outbox.length;
          const promised = callbacks.length;
          store.query(database, `savepoint ${name}`);
          try {
            const value = await body();
            store.query(database, `release savepoint ${name}`);
            return value;
          } catch (error) {
            outbox.length = published;
            callbacks.length = promised;
            store.query(database, `rollback to savepoint ${name}`);
            throw error;
          }
        },
      },
    };
    return attempt;
  }

  /** Ends the transaction if it is still open. */
  function abandon(lease: Lease): void {
    if (server.holder !== lease) return;
    store.query(database, 'rollback');
    server.release(lease);
  }

  /** Commits; in one of the ways in which that can go. */
  async function commit(lease: Lease, outbox: readonly OutboxRecord[]): Promise<void> {
    if (!process.enter()) return never();
    const lost = rng.chance(server.odds.commitLost);
    const { command } = store.query(database, lost ? 'rollback' : 'commit');
    server.release(lease);
    if (command === 'COMMIT') for (const { eventId } of outbox) server.committedMs.set(eventId, kernel.now);
    if (lost || rng.chance(server.odds.answerLost)) {
      server.count(lost ? 'db: commit lost' : 'db: commit happened, answer lost');
      await process.wait(rng.between(0, 3000), `${label} commit unanswered`);
      throw new CommitUnknownError('the answer to COMMIT was lost');
    }
    if (command !== 'COMMIT') throw new Error('the transaction was rolled back: one of its statements had failed');
    // Here a process may die with its work done and nobody told.
    if (!process.enter()) return never();
  }

  const sequences = (): Sequence[] =>
    store.sequences(database).map((name) => {
      const [row] = store.query(database, `select last_value, is_called from ${name}`).rows;
      return { name, ...(row as Omit<Sequence, 'name'>) };
    });
  const setSequences = (list: readonly Sequence[]) => {
    for (const { name, last_value, is_called } of list)
      store.query(database, 'select setval($1, $2, $3)', [name, last_value, is_called]);
  };

  /** Undoes the transaction, lets time and others pass, and does it again as it was; fails where that is impossible. */
  async function commitSlowly({ steps, beganMs, before }: Attempt, first: Lease): Promise<Lease> {
    server.count('db: slow commit');
    abandon(first);
    await process.wait(rng.between(1, server.odds.slowCommitMaxMs), `${label} commits slowly`);
    const lease = await hold();
    const meanwhile = sequences();
    const nowMs = wallClock.ms;
    wallClock.ms = beganMs;
    begin(lease, 'begin');
    try {
      setSequences(before);
      for (const { statement, digest } of steps) {
        if (digestOf(store.execute(database, statement)) !== digest) throw new ServerError('conflict', '40001');
      }
    } catch (error) {
      abandon(lease);
      setSequences(meanwhile);
      server.count('db: serialization failure');
      throw error instanceof ServerError && error.code.startsWith('23') ? new ServerError('conflict', '40001') : error;
    } finally {
      wallClock.ms = nowMs;
    }
    const after = sequences();
    const highest = after.map((one, i) => {
      const other = meanwhile[i] as Sequence;
      return one.last_value > other.last_value ? one : other;
    });
    setSequences(highest);
    return lease;
  }

  async function attempt<T>(body: (tx: Tx) => Promise<T>, cause: Cause, text: string): Promise<T> {
    await arrive('begin');
    let lease = await hold();
    const die = () => abandon(lease);
    process.onDeath.add(die);
    const opened = open(cause, text === 'begin' && rng.chance(server.odds.slowCommit));
    let result: T;
    try {
      begin(lease, text);
      result = await body(opened.tx);
      if (opened.tx.outbox.length > 0) await insertOutbox(opened.tx, opened.tx.outbox);
      if (opened.replayable) lease = await commitSlowly(opened, lease);
      await commit(lease, opened.tx.outbox);
    } catch (error) {
      abandon(lease);
      throw error;
    } finally {
      process.onDeath.delete(die);
    }
    if (opened.tx.outbox.length > 0) onPublished();
    for (const callback of opened.callbacks) callback();
    return result;
  }

  /**
   * A request to an outside party that its sender takes for lost, and that arrives all the same, later than what was
   * sent after it. Whether this one is such a request.
   */
  function goesAstray(again: () => Promise<unknown>): boolean {
    const { outside, stalledUntil } = server;
    if (database !== outside.database) return false;
    const stalledMs = stalledUntil - kernel.now;
    if (stalledMs <= 0 && !rng.chance(outside.late)) return false;
    server.count('provider: request believed lost');
    const delayMs = Math.max(0, stalledMs) + rng.between(0, outside.lateMaxMs);
    process.later(delayMs, `${label} gets a request late`, () => void again().catch(() => {}));
    return true;
  }

  return {
    ...queryable(autocommit),
    async transact(body, { cause = NO_CAUSE, signal, snapshot = false } = {}) {
      const text = snapshot ? 'begin isolation level repeatable read read only' : 'begin';
      const { clock, random } = process.runtime();
      for (let retry = 0; ; retry++) {
        signal?.throwIfAborted();
        if (goesAstray(() => attempt(body, cause, text))) throw connectionLost();
        try {
          return await attempt(body, cause, text);
        } catch (error) {
          if (!isRetryable(error) || retry === RETRIES_MAX) throw error;
          kernel.note(process.name, `${label} repeats a transaction`);
          await clock.sleep(random.below(5 * 2 ** retry) + 1, signal);
        }
      }
    },
  };
}
