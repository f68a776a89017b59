// Reading many rows: server-side cursors, and the merging of several sorted ones by key. So comparing a million orders
// between three databases is three sequential reads, and the memory needed is a batch of each.
import type { Queryable } from '@stoa/chassis/postgres/database';
import type { Statement } from '@stoa/chassis/postgres/sql';

export interface Keyed {
  /** What the rows are sorted by, ascending. */
  readonly key: string;
}

const BATCH = 5000;
let cursors = 0;

/** A constant text as a statement: cursors cannot be prepared by name. Never put a value into the text. */
const plain = <Row>(text: string): Statement<Row> => ({ name: '', text, values: [] });

/**
 * The query's rows in batches, within the snapshot of `db`. The next batch is fetched while one is worked on. Several
 * may be read at once.
 */
export async function* batches<Row>(db: Queryable, query: string): AsyncGenerator<Row[]> {
  const name = `audit_${++cursors}`;
  await db.run(plain(`declare ${name} no scroll cursor for ${query}`));
  const fetch = () => {
    const rows = db.rows(plain<Row>(`fetch ${BATCH} from ${name}`));
    // Reported when it is awaited; until then it must not end the process.
    rows.catch(() => {});
    return rows;
  };
  let next = fetch();
  for (;;) {
    const rows = await next;
    if (rows.length === 0) break;
    next = fetch();
    yield rows;
  }
  await db.run(plain(`close ${name}`));
}

/** A cursor over one sorted source, a row at a time. */
interface Reader<Row> {
  /** The row at which it stands; undefined at the end. */
  row(): Row | undefined;
  /** Goes on; true when a batch ran out and `refill` has to be awaited. */
  advance(): boolean;
  refill(): Promise<void>;
}

function createReader<Row>(source: AsyncGenerator<Row[]>): Reader<Row> {
  let batch: readonly Row[] = [];
  let position = 0;
  return {
    row: () => batch[position],
    advance: () => ++position >= batch.length,
    async refill() {
      const next = await source.next();
      batch = next.done ? [] : next.value;
      position = 0;
    },
  };
}

type Sources<Rows extends readonly Keyed[]> = { readonly [N in keyof Rows]: AsyncGenerator<Rows[N][]> };
type Groups<Rows extends readonly Keyed[]> = { readonly [N in keyof Rows]: readonly Rows[N][] };

/**
 * Walks sources that are sorted by key in step, and calls `visit` once for each key with the rows that each source has
 * for it (none, one or several). Keys are compared by UTF-16 code unit: that is PostgreSQL's order for uuid, and for
 * ASCII text under `collate "C"`.
 */
export async function mergeByKey<Rows extends readonly Keyed[]>(
  sources: Sources<Rows>,
  visit: (key: string, ...groups: Groups<Rows>) => void,
): Promise<void> {
  const readers = (sources as readonly AsyncGenerator<Keyed[]>[]).map(createReader);
  await Promise.all(readers.map((reader) => reader.refill()));
  for (;;) {
    let key: string | undefined;
    for (const reader of readers) {
      const row = reader.row();
      if (row !== undefined && (key === undefined || row.key < key)) key = row.key;
    }
    if (key === undefined) return;
    const groups: Keyed[][] = [];
    for (const reader of readers) {
      const group: Keyed[] = [];
      for (let row = reader.row(); row !== undefined && row.key === key; row = reader.row()) {
        group.push(row);
        if (reader.advance()) await reader.refill();
      }
      groups.push(group);
    }
    visit(key, ...(groups as unknown as Groups<Rows>));
  }
}
