// An error as it can be stored: PostgreSQL takes no NUL in a text, and nobody reads more than this.
const LENGTH_MAX = 2000;

export function errorText(error: unknown): string {
  const text = String((error as { message?: unknown } | null)?.message ?? error);
  return text.replaceAll('\0', '').slice(0, LENGTH_MAX);
}
