// SQL as a tagged template. Interpolated values become parameters, never text, so a statement cannot be injected
// into; and because one template always yields one text, every statement is prepared under a name of its own.
import { createHash } from 'node:crypto';

/** What may be interpolated: it is sent as a parameter. Arrays are PostgreSQL arrays: cast them, `${ids}::uuid[]`. */
export type SqlValue = string | number | bigint | boolean | null | Date | Uint8Array | readonly SqlValue[];

export interface Statement<Row> {
  /** Name under which the server prepares it: derived from the text, so two texts never share one. */
  readonly name: string;
  readonly text: string;
  readonly values: readonly SqlValue[];
  /** Carries the row's type only; never set. */
  readonly row?: Row;
}

const prepared = new WeakMap<TemplateStringsArray, { name: string; text: string }>();

function prepare(strings: TemplateStringsArray): { name: string; text: string } {
  let known = prepared.get(strings);
  if (known === undefined) {
    const text = strings.reduce((sum, part, index) => `${sum}$${index}${part}`);
    known = { name: createHash('sha1').update(text).digest('base64url').slice(0, 16), text };
    prepared.set(strings, known);
  }
  return known;
}

/**
 * A parameterized statement: ``sql<{ id: string }>`select id from orders where cart_id = ${cartId}` ``.
 * `Row` states the columns as PostgreSQL types arrive here: int8 as bigint, timestamptz as Date, bytea as Buffer,
 * uuid and numeric as string, jsonb parsed.
 */
export function sql<Row = never>(strings: TemplateStringsArray, ...values: SqlValue[]): Statement<Row> {
  const { name, text } = prepare(strings);
  return { name, text, values };
}
