// Which key signs, which verify, and when a new one is due. A new key is published before it signs, so that whoever
// caches the key set knows it in time; an old one stays published until the last token that it signed has expired.

export interface KeyDates {
  readonly kid: string;
  readonly activeFrom: Date;
}

export interface KeyPolicy {
  /** Age at which a key is replaced. */
  readonly rotateAfterMs: number;
  /** Longest life of a token. */
  readonly tokenLifeMs: number;
}

export interface KeyPlan {
  readonly signing: string | undefined;
  /** When a key has to be made: from when on it signs. */
  readonly create: Date | undefined;
  /** Keys that nothing valid is signed with any more. */
  readonly retired: readonly string[];
}

/** How long a key is published before it signs, and how far clocks may differ. */
const PUBLISH_AHEAD_MS = 10 * 60_000;

export function planKeys(keys: readonly KeyDates[], now: Date, policy: KeyPolicy): KeyPlan {
  const nowMs = now.getTime();
  // Two keys of one instant cannot be, but if they were, every replica would still choose the same.
  const byAge = [...keys].sort((a, b) => +a.activeFrom - +b.activeFrom || (a.kid < b.kid ? -1 : 1));
  const active = byAge.filter((key) => key.activeFrom.getTime() <= nowMs);
  const signing = active.at(-1);
  const newest = byAge.at(-1);
  const retired = active.slice(0, -1).filter((_, index) => {
    const replacedAtMs = (active[index + 1] as KeyDates).activeFrom.getTime();
    return replacedAtMs + policy.tokenLifeMs + PUBLISH_AHEAD_MS < nowMs;
  });
  // Without an active key nobody can sign in: the first start, or an operator who has deleted a key that leaked.
  const create = signing === undefined || newest === undefined ? now : nextKey(newest, nowMs, policy);
  return { signing: signing?.kid, create, retired: retired.map((key) => key.kid) };
}

function nextKey(newest: KeyDates, nowMs: number, policy: KeyPolicy): Date | undefined {
  const age = nowMs - newest.activeFrom.getTime();
  return age >= policy.rotateAfterMs ? new Date(nowMs + PUBLISH_AHEAD_MS) : undefined;
}
