// Keyset paging: a page starts after a position, which is the sort key and the id of the last product seen. Products
// that come or go meanwhile neither repeat nor hide others, and page 1000 costs what page 1 does.
// A cursor is a position made opaque. It names its sort, so that it cannot be read in another one's terms.

export const PAGE_SIZE_DEFAULT = 20;
export const PAGE_SIZE_MAX = 100;

export type Sort = 'NEWEST' | 'PRICE_ASC' | 'PRICE_DESC' | 'NAME' | 'RANK';

export interface Position {
  /** The sort key: a name's key, or an integer in decimal. */
  readonly key: string;
  readonly id: string;
}

export interface Page {
  readonly first: number;
  readonly after: Position;
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const BIGINT_MAX = 9_223_372_036_854_775_807n;
const NAME_KEY_MAX = 1000;
const CURSOR_MAX = 4000;

/** The position before everything: no statement needs another text for its first page. */
export function startOf(sort: Sort): Position {
  switch (sort) {
    case 'PRICE_ASC':
      return { key: '-1', id: FIRST_ID };
    case 'NAME':
      return { key: '', id: FIRST_ID };
    case 'NEWEST':
    case 'PRICE_DESC':
    case 'RANK':
      return { key: String(BIGINT_MAX), id: LAST_ID };
    default:
      return sort satisfies never;
  }
}

export function encodeCursor(sort: Sort, { key, id }: Position): string {
  return Buffer.from(JSON.stringify([sort, key, id]), 'utf8').toString('base64url');
}

/** The position, or undefined when the text is no cursor of this sort. */
export function decodeCursor(sort: Sort, cursor: string): Position | undefined {
  const parts = cursor.length <= CURSOR_MAX ? parse(cursor) : undefined;
  if (!Array.isArray(parts) || parts.length !== 3) return undefined;
  const [named, key, id] = parts as unknown[];
  if (named !== sort || typeof key !== 'string' || typeof id !== 'string') return undefined;
  const keyHolds = sort === 'NAME' ? isText(key) : isInteger(key);
  return keyHolds && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? { key, id } : undefined;
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

function isText(key: string): boolean {
  return key.length <= NAME_KEY_MAX && key.isWellFormed() && !key.includes('\0');
}

function isInteger(key: string): boolean {
  return /^-?\d{1,19}$/.test(key) && BigInt(key) >= -1n && BigInt(key) <= BIGINT_MAX;
}
