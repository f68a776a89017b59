// Whether a canary may go on: the gates, and nothing but them. Pure. Each gate compares the canary with the stable
// version over the same time, and none speaks before it has seen enough.

/** What one version did. */
export interface Side {
  /** Calls that it answered, and those of them that it should not have failed. */
  readonly calls: number;
  readonly faults: number;
  /** The same by method. */
  readonly methods: ReadonlyMap<string, { readonly calls: number; readonly faults: number }>;
  /** 95th percentile of a call's time, in seconds; undefined without calls. */
  readonly p95: number | undefined;
  /** Messages that its consumers applied. */
  readonly applied: number;
  /** Orders that it had a part in and that are decided; those confirmed; those whose saga turned back. */
  readonly decided: number;
  readonly confirmed: number;
  readonly compensated: number;
}

export interface Evidence {
  readonly stable: Side;
  readonly canary: Side;
  /** Messages that the canary gave back. */
  readonly returned: number;
  /** Messages that were parked although the stable version tried too: not the canary's fault. */
  readonly parkedOfReturned: number;
  /** Messages of the canary's that other services could not handle. */
  readonly parkedOfCanary: number;
  /** What the audit finds wrong with orders placed since the rollout began, one sentence each. */
  readonly violations: readonly string[];
  /** For how long it has not answered while the stable version did; undefined when it answered last. */
  readonly silentSeconds?: number | undefined;
  /** Why its process ended by itself. */
  readonly ended?: string | undefined;
}

export type Verdict =
  | { readonly kind: 'bad'; readonly why: string }
  | { readonly kind: 'good' }
  | { readonly kind: 'unknown'; readonly why: string };

export const GATES = {
  /** More than a pause for garbage or a busy machine: its callers wait as long. */
  silentSeconds: 10,
  /** Calls and messages together before a step can pass. */
  enough: 20,
  /** Of each method: a version that fails one of many is bad enough. */
  faults: { callsMin: 5, faultsMin: 3, shareMore: 0.05 },
  /** Slower means both: so many times as slow, and by so many seconds. */
  p95: { callsMin: 50, times: 3, secondsMore: 0.25 },
  returned: 3,
  /** Orders of each side, how much worse, and how many standard deviations that must be. */
  orders: { decidedMin: 20, shareWorse: 0.1, deviations: 3 },
} as const;

/** The first gate that is not passed, else whether there is enough to pass on. */
export function judge(evidence: Evidence): Verdict {
  const { stable, canary } = evidence;
  const why =
    endedBadly(evidence) ??
    hung(evidence) ??
    computedWrong(evidence) ??
    tooManyFaults(stable, canary) ??
    gaveBack(evidence) ??
    parked(evidence) ??
    tooSlow(stable, canary) ??
    fewerConfirmed(stable, canary) ??
    moreCompensated(stable, canary);
  if (why !== undefined) return { kind: 'bad', why };
  if (evidence.silentSeconds !== undefined) return { kind: 'unknown', why: 'it does not answer now' };
  const seen = canary.calls + canary.applied;
  if (seen >= GATES.enough) return { kind: 'good' };
  return { kind: 'unknown', why: `${seen} calls and messages of the ${GATES.enough} that are needed` };
}

const endedBadly = ({ ended }: Evidence) => (ended === undefined ? undefined : `its process ended (${ended})`);

function hung({ silentSeconds = 0 }: Evidence): string | undefined {
  if (silentSeconds <= GATES.silentSeconds) return undefined;
  return `it has not answered for ${Math.floor(silentSeconds)} s, while the stable version did`;
}

function computedWrong({ violations }: Evidence): string | undefined {
  if (violations.length === 0) return undefined;
  const orders = violations.length === 1 ? '1 order is' : `${violations.length} orders are`;
  return `${orders} wrong: ${violations[0]}`;
}

const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

function tooManyFaults(stable: Side, canary: Side): string | undefined {
  const { callsMin, faultsMin, shareMore } = GATES.faults;
  for (const [method, mine] of canary.methods) {
    const theirs = stable.methods.get(method) ?? { calls: 0, faults: 0 };
    if (mine.calls < callsMin || mine.faults < faultsMin) continue;
    if (share(mine.faults, mine.calls) - share(theirs.faults, theirs.calls) <= shareMore) continue;
    return `${mine.faults} of its ${mine.calls} ${method} calls failed (stable: ${theirs.faults} of ${theirs.calls})`;
  }
  return undefined;
}

function gaveBack({ returned, parkedOfReturned }: Evidence): string | undefined {
  const count = returned - parkedOfReturned;
  if (count < GATES.returned) return undefined;
  return `it could not handle ${count} messages that the stable version could`;
}

function parked({ parkedOfCanary: count }: Evidence): string | undefined {
  if (count === 0) return undefined;
  return `${count} of the messages that it sent ${count === 1 ? 'is' : 'are'} parked: nobody can handle them`;
}

function tooSlow(stable: Side, canary: Side): string | undefined {
  const { callsMin, times, secondsMore } = GATES.p95;
  if (canary.calls < callsMin || stable.calls < callsMin) return undefined;
  const [mine, theirs] = [canary.p95 ?? 0, stable.p95 ?? 0];
  if (mine <= times * theirs || mine - theirs <= secondsMore) return undefined;
  return `95 in 100 of its calls take up to ${toMs(mine)} ms (stable: ${toMs(theirs)} ms)`;
}

const toMs = (seconds: number) => Math.round(seconds * 1000);

function fewerConfirmed(stable: Side, canary: Side): string | undefined {
  if (!isHigher(stable.confirmed, stable.decided, canary.confirmed, canary.decided)) return undefined;
  return `${canary.confirmed} of ${canary.decided} of its orders were confirmed (others: ${stable.confirmed} of ${stable.decided})`;
}

function moreCompensated(stable: Side, canary: Side): string | undefined {
  if (!isHigher(canary.compensated, canary.decided, stable.compensated, stable.decided)) return undefined;
  return `${canary.compensated} of ${canary.decided} of its orders turned back (others: ${stable.compensated} of ${stable.decided})`;
}

/** Whether a share is higher than another by more than chance explains. */
function isHigher(part: number, whole: number, otherPart: number, otherWhole: number): boolean {
  const { decidedMin, shareWorse, deviations } = GATES.orders;
  if (whole < decidedMin || otherWhole < decidedMin) return false;
  const more = part / whole - otherPart / otherWhole;
  const pooled = (part + otherPart) / (whole + otherWhole);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / whole + 1 / otherWhole));
  return more > shareWorse && more > deviations * deviation;
}
