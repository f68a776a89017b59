// What a part hands back, and how it is printed: a table for people, JSON for scripts.

export type Cell = string | number;

export interface Table {
  readonly title: string;
  /** The floor that the rows are to be compared with, in a sentence. */
  readonly limit?: string;
  readonly rows: readonly Readonly<Record<string, Cell>>[];
  /** What the columns mean, where that is not plain. */
  readonly notes?: readonly string[];
}

/** As Markdown, so that it can be pasted into RESULTS.md as it is. */
export function printTable({ title, limit, rows, notes = [] }: Table): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells: readonly Cell[]) => `| ${cells.join(' | ')} |`;
  const body = rows.map((row) => line(columns.map((column) => row[column] ?? '')));
  const head = [line(columns), line(columns.map(() => '---'))];
  const below = [...(limit === undefined ? [] : [`Limit: ${limit}`]), ...notes];
  return [`### ${title}`, '', ...head, ...body, '', ...below.flatMap((text) => [text, ''])].join('\n');
}
