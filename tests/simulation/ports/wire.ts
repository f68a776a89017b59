// PostgreSQL's extended protocol, spoken synchronously to PGlite: a prepared statement costs about 20 µs, a tenth of
// PGlite's own `query`. Values arrive as they do from the adapter in the chassis: int8 as bigint, timestamptz as Date,
// bytea as Buffer, jsonb parsed.
import type { SqlValue } from '@stoa/chassis/postgres/sql';

/** Sends bytes to the server and returns all of its answer. */
export type Exchange = (message: Uint8Array) => Uint8Array;

export interface Result {
  readonly rows: Record<string, unknown>[];
  readonly count: number;
  readonly command: string;
}

/** An error from the server, with the fields that callers branch on. */
export class PgError extends Error {
  override readonly name = 'PgError';
  readonly code: string;
  readonly constraint: string | undefined;

  constructor(message: string, code: string, constraint?: string) {
    super(message);
    this.code = code;
    this.constraint = constraint;
  }
}

interface Column {
  readonly name: string;
  readonly read: (text: string) => unknown;
}

const arrayOf = (read: (text: string) => unknown) => (text: string) => {
  if (text === '{}') return [];
  const items = text.slice(1, -1).match(/"(?:[^"\\]|\\.)*"|[^,]+/g) ?? [];
  return items.map((item) => {
    if (item === 'NULL') return null;
    return read(item.startsWith('"') ? item.slice(1, -1).replace(/\\(.)/g, '$1') : item);
  });
};
const same = (text: string) => text;
const bytes = (text: string) => Buffer.from(text.slice(2), 'hex');
const date = (text: string) => new Date(`${text.replace(' ', 'T')}:00`);

const READERS: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => text === 't',
  17: bytes,
  20: BigInt,
  21: Number,
  23: Number,
  26: Number,
  114: JSON.parse,
  700: Number,
  701: Number,
  1000: arrayOf((text) => text === 't'),
  1005: arrayOf(Number),
  1007: arrayOf(Number),
  1009: arrayOf(same),
  1016: arrayOf(BigInt),
  1184: date,
  2951: arrayOf(same),
  3802: JSON.parse,
};

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 4);
  const head = Buffer.allocUnsafe(5);
  head[0] = type.charCodeAt(0);
  head.writeInt32BE(length, 1);
  return Buffer.concat([head, ...parts]);
}

const text = (value: string) => Buffer.from(`${value}\0`);
const int16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);
const int32 = (value: number) => {
  const buffer = Buffer.allocUnsafe(4);
  buffer.writeInt32BE(value);
  return buffer;
};
const SYNC = message('S');
const EXECUTE = message('E', text(''), int32(0));
const NULL = int32(-1);

function quoted(value: SqlValue): string {
  if (value === null) return 'NULL';
  if (Array.isArray(value)) return arrayText(value);
  return `"${String(written(value)).replace(/[\\"]/g, '\\$&')}"`;
}

const arrayText = (list: readonly SqlValue[]): string => `{${list.map(quoted).join(',')}}`;

/** A parameter in PostgreSQL's text form. */
function written(value: SqlValue): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return arrayText(value);
  return String(value);
}

function bind(name: string, values: readonly SqlValue[]): Buffer {
  const parts: Buffer[] = [text(''), text(name), int16(0), int16(values.length)];
  for (const value of values) {
    const text = written(value);
    if (text === null) parts.push(NULL);
    else {
      const encoded = Buffer.from(text);
      parts.push(int32(encoded.length), encoded);
    }
  }
  parts.push(int16(0));
  return message('B', ...parts);
}

function readColumns(body: Buffer): Column[] {
  let at = 2;
  return Array.from({ length: body.readInt16BE(0) }, () => {
    const end = body.indexOf(0, at);
    const name = body.toString('utf8', at, end);
    const oid = body.readInt32BE(end + 7);
    at = end + 19;
    return { name, read: READERS[oid] ?? same };
  });
}

function readRow(body: Buffer, columns: readonly Column[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  let at = 2;
  for (const { name, read } of columns) {
    const length = body.readInt32BE(at);
    at += 4;
    if (length < 0) row[name] = null;
    else {
      row[name] = read(body.toString('utf8', at, at + length));
      at += length;
    }
  }
  return row;
}

function readError(body: Buffer): PgError {
  const fields = new Map(
    body
      .toString('utf8')
      .split('\0')
      .filter((field) => field !== '')
      .map((field) => [field[0] as string, field.slice(1)]),
  );
  return new PgError(fields.get('M') ?? 'unknown error', fields.get('C') ?? 'XX000', fields.get('n'));
}

interface Answer extends Result {
  readonly columns: readonly Column[];
}

function readAnswer(answer: Uint8Array, known: readonly Column[]): Answer {
  const buffer = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength);
  const rows: Record<string, unknown>[] = [];
  let columns = known;
  let command = '';
  let error: PgError | undefined;
  for (let at = 0; at < buffer.length; ) {
    const type = buffer[at] as number;
    const length = buffer.readInt32BE(at + 1);
    const body = buffer.subarray(at + 5, at + 1 + length);
    at += 1 + length;
    if (type === 0x44) rows.push(readRow(body, columns));
    else if (type === 0x54) columns = readColumns(body);
    else if (type === 0x43) command = body.toString('utf8', 0, body.length - 1);
    else if (type === 0x45) error ??= readError(body);
  }
  if (error !== undefined) throw error;
  const count = Number(command.slice(command.lastIndexOf(' ') + 1));
  return { rows, columns, command, count: Number.isNaN(count) ? 0 : count };
}

export interface Wire {
  /** Runs a statement that is prepared at its first use and known by the key from then on. */
  execute(key: string, sql: string, values: readonly SqlValue[]): Result;
  /** Runs any text, several statements too. */
  simple(sql: string): Result;
}

export function createWire(exchange: Exchange): Wire {
  const prepared = new Map<string, { readonly name: string; readonly columns: readonly Column[] }>();
  const prepare = (key: string, sql: string) => {
    const name = `s${prepared.size}`;
    const describe = message('D', Buffer.from('S'), text(name));
    const parse = Buffer.concat([message('P', text(name), text(sql), int16(0)), describe, SYNC]);
    const statement = { name, columns: readAnswer(exchange(parse), []).columns };
    prepared.set(key, statement);
    return statement;
  };
  return {
    execute(key, sql, values) {
      const { name, columns } = prepared.get(key) ?? prepare(key, sql);
      return readAnswer(exchange(Buffer.concat([bind(name, values), EXECUTE, SYNC])), columns);
    },
    simple: (sql) => readAnswer(exchange(message('Q', text(sql))), []),
  };
}
