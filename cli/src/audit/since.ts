// The moment that `--since` names: so long ago, or a timestamp.
import { ConfigError } from '@stoa/chassis/config';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** A day, or a time that says where on earth it is. */
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** "90s", "30m", "24h", "7d" before `now`, "2026-11-20" (UTC) or "2026-11-20T00:00Z"; otherwise throws a sentence. */
export function readSince(text: string, now: Date): Date {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return new Date(now.getTime() - Number(count) * (UNIT_MS[unit] ?? 0));
  const at = new Date(TIMESTAMP.test(text) ? text : Number.NaN);
  if (Number.isNaN(at.getTime())) {
    throw new ConfigError(
      `--since: "${text}" must be a duration like 30m, 24h or 7d, or a timestamp like 2026-11-20T00:00Z`,
    );
  }
  if (at > now) throw new ConfigError(`--since: ${text} has not come yet`);
  return at;
}
