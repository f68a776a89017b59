// What a version says of itself: its /metrics, read into what the gates compare.

export interface Calls {
  readonly calls: number;
  readonly faults: number;
}

export interface Counts extends Calls {
  readonly methods: ReadonlyMap<string, Calls>;
  readonly applied: number;
  readonly returned: number;
  /** Calls that took at most so many seconds, cumulative. */
  readonly buckets: ReadonlyMap<number, number>;
}

export const NOTHING: Counts = {
  calls: 0,
  faults: 0,
  methods: new Map(),
  applied: 0,
  returned: 0,
  buckets: new Map(),
};

/** A server's fault; whatever else a call ends with is the caller's affair or the business'. */
const FAULTS: ReadonlySet<string> = new Set([
  'unknown',
  'internal',
  'unavailable',
  'data_loss',
  'deadline_exceeded',
  'unimplemented',
]);

const LINE = /^stoa_(\w+)\{(.*)\} (\S+)$/;

/** Counts of one service's contract and consumers in an exposition. */
export function readCounts(text: string, service: string): Counts {
  const counts = { calls: 0, faults: 0, applied: 0, returned: 0 };
  const buckets = new Map<number, number>();
  const methods = new Map<string, Calls>();
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (match === null) continue;
    const [, name, labels = '', number] = match;
    const value = Number(number);
    const label = (key: string) => new RegExp(`(?:^|,)${key}="([^"]*)"`).exec(labels)?.[1] ?? '';
    const isCall = label('service').startsWith(`stoa.${service}.`);
    if (name === 'rpc_server_seconds_bucket' && isCall) {
      const bound = label('le') === '+Inf' ? Number.POSITIVE_INFINITY : Number(label('le'));
      buckets.set(bound, (buckets.get(bound) ?? 0) + value);
    } else if (name === 'rpc_server_seconds_count' && isCall) {
      const faults = FAULTS.has(label('code')) ? value : 0;
      counts.calls += value;
      counts.faults += faults;
      const before = methods.get(label('method')) ?? NO_CALLS;
      methods.set(label('method'), { calls: before.calls + value, faults: before.faults + faults });
    } else if (name === 'inbox_applied_total' && label('consumer').startsWith(`${service}.`)) counts.applied += value;
    else if (name === 'canary_returned_total') counts.returned += value;
  }
  return { ...counts, methods, buckets };
}

const NO_CALLS: Calls = { calls: 0, faults: 0 };

const callsSince = (before: Calls, now: Calls): Calls => ({
  calls: now.calls - before.calls,
  faults: now.faults - before.faults,
});

/** What happened between two readings. A process that was started anew counts from nothing. */
export function since(before: Counts, now: Counts): Counts {
  if (now.calls < before.calls || now.applied < before.applied) return now;
  return {
    ...callsSince(before, now),
    methods: new Map(
      [...now.methods].map(([method, calls]) => [method, callsSince(before.methods.get(method) ?? NO_CALLS, calls)]),
    ),
    applied: now.applied - before.applied,
    returned: now.returned - before.returned,
    buckets: new Map([...now.buckets].map(([bound, count]) => [bound, count - (before.buckets.get(bound) ?? 0)])),
  };
}

/** The 95th percentile in seconds, as the bucket's upper bound; undefined without calls. */
export function p95({ buckets }: Counts): number | undefined {
  const bounds = [...buckets.keys()].sort((a, b) => a - b);
  const all = buckets.get(Number.POSITIVE_INFINITY) ?? 0;
  if (all === 0) return undefined;
  return bounds.find((bound) => (buckets.get(bound) ?? 0) >= 0.95 * all);
}

const SCRAPE_TIMEOUT_MS = 2000;

/** Reads a process' metrics; undefined when it does not answer. */
export async function scrape(adminPort: number, service: string): Promise<Counts | undefined> {
  try {
    const signal = AbortSignal.timeout(SCRAPE_TIMEOUT_MS);
    const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`, { signal });
    return readCounts(await answer.text(), service);
  } catch {
    return undefined;
  }
}
