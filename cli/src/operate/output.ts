// What the operator's commands print: aligned text for a person, JSON for a program.

/** Writes `value` as JSON, or `text` for a person. */
export function print(json: boolean, value: unknown, text: () => string): void {
  process.stdout.write(json ? `${toJsonText(value)}\n` : text());
}

export function toJsonText(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) => (typeof field === 'bigint' ? String(field) : field), 2);
}

/** Columns as wide as their widest cell, two blanks between them; the last is not padded. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${[head, ...rows].map(line).join('\n')}\n`;
}

/** "48 s", "12 min", "3.5 h", "4 d". */
export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${(seconds / 3600).toFixed(1)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

export const clockTime = (at: Date): string => at.toISOString().slice(0, 23).replace('T', ' ');

/** The last part of a full protobuf name. */
export const shortType = (type: string): string => type.slice(type.lastIndexOf('.') + 1);

export const plural = (count: number | bigint, noun: string): string =>
  `${count} ${noun}${Number(count) === 1 ? '' : 's'}`;
