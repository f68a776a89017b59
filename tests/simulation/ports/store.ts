// All databases of a world: one PGlite in memory, a schema for each. Our real migrations make the tables once; between
// worlds they are emptied. `now()` is the world's clock, because PGlite asks this process for the time.
import { PGlite } from '@electric-sql/pglite';
import { CHASSIS_MIGRATIONS, readMigrations } from '@stoa/chassis/postgres/migrate';
import type { SqlValue, Statement } from '@stoa/chassis/postgres/sql';
import { withoutTimers } from '../kernel/globals.ts';
import { createWire, type Result, type Wire } from './wire.ts';

export interface SchemaSpec {
  readonly name: string;
  readonly folder: URL;
  /** Whether the chassis' own tables belong into it. */
  readonly chassis: boolean;
}

export interface Store {
  /** Runs a statement in the named database. */
  execute(database: string, statement: Statement<unknown>): Result;
  /** The same outside a transaction; a question that nothing was written since is not asked again. */
  read(database: string, statement: Statement<unknown>): Result;
  /** Runs plain text in the named database, for BEGIN and the like and for oracles. */
  query(database: string, text: string, values?: readonly SqlValue[]): Result;
  /** How far each consumer of a database is. Not to be asked while a transaction is open. */
  watermarks(database: string): ReadonlyMap<string, bigint>;
  /**
   * The epoch of a topic, as committed; also while a transaction is open, in which it changes nothing. Undefined when that
   * transaction has failed: then nothing can be asked.
   */
  epochOf(owner: string, topic: string): number | undefined;
  /** Empties every table and starts every sequence anew. */
  reset(): void;
  /** Names of the sequences of a database. */
  sequences(database: string): readonly string[];
  /** Statements since the store was opened. */
  readonly statements: number;
}

/** Reads, and depends on nothing but the tables: idle loops ask such questions all the time. */
const isPure = (text: string) =>
  /^\s*select\b/i.test(text) &&
  !/\bfor (no key )?(update|share)\b|now\(\)|clock_timestamp|nextval|setval|advisory/i.test(text);

/** Apart, whatever is apart: as text, dates would lose their milliseconds, and null would be the empty string. */
function keyOf(value: SqlValue): string {
  if (Array.isArray(value)) return `[${value.map(keyOf).join('\u0001')}]`;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value === null ? 'null' : `=${value}`;
}

const WATERMARKS: Statement<unknown> = {
  name: 'oracle_watermarks',
  text: 'select consumer, seq from consumer_watermark',
  values: [],
};

interface Seed {
  readonly table: string;
  readonly copy: string;
}

async function migrateAll(wire: Wire, specs: readonly SchemaSpec[]): Promise<void> {
  for (const { name, folder, chassis } of specs) {
    const folders = [...(chassis ? [CHASSIS_MIGRATIONS] : []), { scope: name, folder }];
    wire.simple(`create schema ${name}; set search_path to ${name}`);
    // Without a log of its own: nothing here survives the process.
    for (const { text } of await readMigrations(folders))
      wire.simple(text.replaceAll(/\bcreate table\b/g, 'create unlogged table'));
  }
}

/** Rows that the migrations themselves wrote are kept aside and put back into every world. */
function keepSeeds(wire: Wire, tables: readonly string[]): Seed[] {
  wire.simple('create schema seeds');
  return tables.flatMap((table, index) => {
    if (wire.simple(`select from ${table} limit 1`).rows.length === 0) return [];
    const copy = `seeds.s${index}`;
    wire.simple(`create table ${copy} as table ${table}`);
    return [{ table, copy }];
  });
}

/** What the database itself sees and no later look at the data would: numbers and watermarks that go back. */
async function watch(wire: Wire, specs: readonly SchemaSpec[]): Promise<void> {
  wire.simple(`create schema watched; create unlogged table watched.wrong (invariant text, says text, subject text);
    create function watched.note() returns trigger language plpgsql as $$ begin
      insert into watched.wrong values (tg_argv[0], tg_argv[1], tg_table_schema || ' ' || to_jsonb(new)::text);
      return new; end $$`);
  // What every version of a price was.
  wire.simple(`create unlogged table watched.price (sku text, version bigint, minor bigint);
    create function watched.note_price() returns trigger language plpgsql as $$ begin
      insert into watched.price values (new.sku, new.price_version, new.price_minor); return new; end $$;
    create trigger priced after insert or update of price_version on catalog.variants for each row
      execute function watched.note_price()`);
  // What consumers did, written by their own transactions.
  wire.simple(`create unlogged table watched.handled (n bigint generated always as identity, consumer text, seq bigint,
    aggregate text)`);
  for (const { name } of specs.filter(({ chassis }) => chassis)) {
    wire.simple(`
      create trigger watermark_falls before update of seq on ${name}.consumer_watermark for each row
        when (new.seq < old.seq) execute function watched.note('I13', 'a watermark went back');
      create trigger number_changes before update of pub_seq on ${name}.outbox for each row
        when (old.pub_seq is not null and new.pub_seq is distinct from old.pub_seq)
        execute function watched.note('I15', 'an event got another number')`);
  }
}

/** Ids that the database draws itself come from a sequence, so that the same world draws the same. */
function drawFromSequence(wire: Wire): void {
  wire.simple('create sequence watched.uuids');
  const { rows } = wire.simple(`select format('%I.%I', table_schema, table_name) as name, column_name as column
    from information_schema.columns where column_default like '%gen_random_uuid%' order by 1`);
  for (const { name, column } of rows) {
    wire.simple(`alter table ${name} alter ${column} set default md5(nextval('watched.uuids')::text)::uuid`);
  }
}

export async function openStore(specs: readonly SchemaSpec[]): Promise<Store> {
  const pglite = await PGlite.create();
  const wire = createWire((message) => withoutTimers(() => pglite.execProtocolRawSync(message)));
  // Plans that depend on nothing but the statement: the same in every world, and planned once.
  wire.simple(`set plan_cache_mode = force_generic_plan; set jit = off; set timezone = 'UTC'; set extra_float_digits = 1;
    set client_min_messages = error; set synchronous_commit = off`);
  await migrateAll(wire, specs);
  await watch(wire, specs);
  drawFromSequence(wire);
  const names = specs.map(({ name }) => `'${name}'`).join(', ');
  const listed = (query: string) => wire.simple(query).rows.map((row) => row.name as string);
  const tables = listed(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in (${names}, 'watched') order by 1`,
  );
  const sequences = listed(
    `select format('%s.%I', schemaname, sequencename) as name from pg_sequences where schemaname in (${names}, 'watched') order by 1`,
  );
  const seeds = keepSeeds(wire, tables);
  const usedTables = tables
    .map((name) => `select '${name}' as name where exists (select from ${name})`)
    .join(' union all ');
  const known = new Map<string, Map<string, Result>>();
  let current = '';
  let statements = 0;
  const enter = (database: string) => {
    if (database === current) return;
    wire.execute('search_path', "select set_config('search_path', $1, false)", [database]);
    current = database;
  };
  const execute: Store['execute'] = (database, { name, text, values }) => {
    statements++;
    enter(database);
    const result = wire.execute(`${database}.${name}`, text, values);
    // A statement with parts may write in one of them, whatever it counts.
    if (!isPure(text) && (result.count > 0 || /\bwith\b/i.test(text))) known.delete(database);
    return result;
  };
  const read: Store['read'] = (database, statement) => {
    if (!isPure(statement.text)) return execute(database, statement);
    const answers = known.get(database) ?? new Map<string, Result>();
    known.set(database, answers);
    const key = `${statement.name} ${statement.values.map(keyOf).join('\u0000')}`;
    const answer = answers.get(key) ?? execute(database, statement);
    known.set(database, answers.set(key, answer));
    return answer;
  };
  return {
    get statements() {
      return statements;
    },
    execute,
    read,
    query(database, text, values = []) {
      statements++;
      if (!isPure(text)) known.delete(database);
      enter(database);
      return wire.execute(`${database}:${text}`, text, values);
    },
    watermarks(database) {
      if (!specs.some(({ name, chassis }) => name === database && chassis)) return new Map();
      const { rows } = read(database, WATERMARKS);
      return new Map(rows.map(({ consumer, seq }) => [consumer as string, seq as bigint]));
    },
    epochOf(owner, topic) {
      try {
        // By its whole name: another search path would be rolled back with the transaction.
        const text = `select epoch from ${owner}.outbox_head where topic = $1`;
        return wire.execute(`${owner}.oracle_epoch`, text, [topic]).rows[0]?.epoch as number | undefined;
      } catch {
        return undefined;
      }
    },
    reset() {
      known.clear();
      const used = wire.simple(usedTables).rows.map((row) => row.name as string);
      if (used.length > 0) wire.simple(`truncate ${used.join(', ')} cascade`);
      wire.simple(sequences.map((name) => `select setval('${name}', 1, false);`).join(' '));
      // As a replica would: references are not checked, so the order of the tables does not matter.
      wire.simple(`set session_replication_role = replica;
        ${seeds.map(({ table, copy }) => `insert into ${table} overriding system value table ${copy};`).join('\n')}
        set session_replication_role = origin`);
    },
    sequences: (database) => sequences.filter((name) => name.startsWith(`${database}.`)),
  };
}
