// One look at all databases: a snapshot of each, taken one after the other, orders first. So whatever orders' snapshot
// says is finished has left its traces in every later one; what is newer than it shows up as a difference that the
// next look does not see again.
//
// A look holds a read-only transaction in each database while it lasts. It blocks nobody, but VACUUM cannot clean up
// behind it: minutes are fine, hours would not be.
import type { Database, Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { lowestOrderSince, scoped } from './scope.ts';
import { SERVICE_DATABASES, SUBSCRIPTIONS } from './topology.ts';

export interface Look {
  has(database: string): boolean;
  /** The snapshot of a database. */
  at(database: string): Queryable;
  /** The database as it is at this moment, for what must be read in an order of its own. */
  now(database: string): Queryable;
  /** Orders whose saga runs, or that changed within the last seconds. */
  readonly moving: ReadonlySet<string>;
  /** Whether the consumer's snapshot lacks messages that the producer's holds. */
  isBehind(consumer: string): boolean;
  /** How far the consumer's snapshot is in its topic. */
  watermark(consumer: string): bigint;
  /** The same look at everything, when this one is narrowed to newer orders. */
  readonly whole: Look;
}

export type OpenDatabases = Readonly<Record<string, Database>>;

/** An order that changed this recently may still be on its way through the other services. */
const RECENT_SECONDS = 5;

/** Runs `body` with a look. Orders is taken first and must be there. `since` narrows it to the orders placed since. */
export async function takeLook<T>(
  databases: OpenDatabases,
  since: Date | undefined,
  body: (look: Look) => Promise<T>,
): Promise<T> {
  const names = ['orders', ...Object.keys(databases).filter((name) => name !== 'orders')];
  const snapshots = new Map<string, Queryable>();
  const open = async (rest: readonly string[]): Promise<T> => {
    const [name, ...others] = rest;
    if (name === undefined) return body(await narrow(await createLook(databases, snapshots), since));
    const database = databases[name];
    if (database === undefined) throw new Error(`the audit needs the database ${name}`);
    return database.transact(
      async (tx) => {
        // The first statement takes the snapshot.
        await tx.run(sql`set local cursor_tuple_fraction = 1`);
        await tx.run(sql`set local work_mem = '64MB'`);
        await tx.rows(sql<{ now: Date }>`select now()`);
        snapshots.set(name, tx);
        return open(others);
      },
      { snapshot: true },
    );
  };
  return open(names);
}

interface Position {
  readonly topic: string;
  readonly consumer: string;
  readonly seq: bigint;
}

async function createLook(databases: OpenDatabases, snapshots: ReadonlyMap<string, Queryable>): Promise<Look> {
  const at = (name: string) => {
    const snapshot = snapshots.get(name);
    if (snapshot === undefined) throw new Error(`there is no database ${name}`);
    return snapshot;
  };
  const present = SERVICE_DATABASES.filter((name) => snapshots.has(name));
  const moving = await readMoving(at('orders'));
  const heads = new Map<string, bigint>();
  const watermarks = new Map<string, bigint>();
  for (const name of present) {
    for (const { topic, seq } of await readHeads(at(name))) heads.set(topic, seq);
    for (const { consumer, seq } of await readWatermarks(at(name))) watermarks.set(consumer, seq);
  }
  const watermark = (consumer: string) => watermarks.get(consumer) ?? 0n;
  const look: Look = {
    has: (name) => snapshots.has(name),
    at,
    now: (name) => databases[name] ?? at(name),
    moving,
    watermark,
    isBehind(consumer) {
      const topic = SUBSCRIPTIONS.find((one) => one.consumer === consumer)?.topic;
      return topic === undefined || watermark(consumer) < (heads.get(topic) ?? 0n);
    },
    get whole() {
      return look;
    },
  };
  return look;
}

async function narrow(whole: Look, since: Date | undefined): Promise<Look> {
  if (since === undefined) return whole;
  const lowest = await lowestOrderSince(whole.at('orders'), since);
  return { ...whole, at: (name) => scoped(whole.at(name), name, lowest), whole };
}

async function readMoving(orders: Queryable): Promise<Set<string>> {
  const rows = await orders.rows(sql<{ id: string }>`
    select saga_id as id from saga where state not in ('COMPLETED', 'COMPENSATED')
    union
    select id from orders where updated_at > now() - make_interval(secs => ${RECENT_SECONDS})`);
  return new Set(rows.map(({ id }) => id));
}

/** What is not numbered yet counts as published: it is what a consumer cannot have applied. */
async function readHeads(db: Queryable): Promise<{ topic: string; seq: bigint }[]> {
  return db.rows(sql<{ topic: string; seq: bigint }>`
    select h.topic, h.seq + (select count(*) from outbox o where o.pub_seq is null and o.topic = h.topic) as seq
    from outbox_head h`);
}

async function readWatermarks(db: Queryable): Promise<Position[]> {
  return db.rows(sql<Position>`select consumer, topic, seq from consumer_watermark`);
}
