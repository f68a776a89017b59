// Takes a canary through its steps and, when a gate is not passed, back: calls first, then its share of the events, then
// its process. Nobody is asked. What it found stands in <home>/canary.json.
import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { changeShare, countHanded, endCanary, readCanaryState } from '../operate/canary-row.ts';
import { openAuditGate } from './audit-gate.ts';
import { type Beginning, type Business, beginningOf, type Databases, lookAtBusiness } from './business.ts';
import { type Counts, p95, scrape } from './scrape.ts';
import { type Evidence, judge, type Side, type Verdict } from './verdict.ts';
import { createWatch, type Reading, type Seen } from './watch.ts';

export interface RolloutOptions {
  readonly service: string;
  /** STOA_VERSION of the canary. */
  readonly version: string;
  readonly steps: readonly number[];
  readonly stepSeconds: number;
  /** gRPC address of the canary. */
  readonly address: string;
  readonly adminPorts: { readonly stable: number; readonly canary: number };
  readonly databases: Databases;
  /** URLs of all databases, for the audit. */
  readonly urls: Readonly<Record<string, string>>;
  /** @default the whole audit of `urls` */
  readonly openAudit?: typeof openAuditGate;
  /** What the callers follow; see chassis/src/host/splits-file.ts. */
  readonly splitsFile: string;
  readonly reportFile: string;
  readonly say: (line: string) => void;
  /** Resolves when the canary's process ends by itself. */
  readonly ended: Promise<string>;
  readonly stopCanary: () => Promise<void>;
}

const LOOK_MS = 1000;
/** Callers look at the file five times a second; a call on its way takes what it takes. */
const CALLS_GONE_MS = 1000;
const TAKE_BACK = { pollMs: 100, limitMs: 30_000 };
const NAMED_MAX = 20;

type State = 'running' | 'passed' | 'promoted' | 'rolled back';

/** Runs until the canary is rolled back or the signal aborts; then it is ended as well. */
export async function runRollout(options: RolloutOptions, signal: AbortSignal): Promise<void> {
  const { service, version, steps, stepSeconds, say, databases, openAudit = openAuditGate } = options;
  const db = databases[service] as Databases[string];
  const started = await beginningOf(db);
  let ended: string | undefined;
  void options.ended.then((why) => {
    ended = why;
  });
  const whole = createWatch(await readBoth(options));
  const audit = await openAudit(options.urls, started.at);
  let step = 0;
  let watch = whole;
  let stepEndsAt = 0;
  let state: State = 'running';

  async function enter(next: number): Promise<void> {
    step = next;
    const percent = steps[step] as number;
    if (!(await changeShare(db, version, percent))) return;
    writeSplits(options, percent);
    watch = createWatch(await readBoth(options));
    stepEndsAt = performance.now() + stepSeconds * 1000;
    say(`canary of ${service}: ${percent} % of calls and orders`);
  }

  /** One look: why to roll back, or undefined. */
  async function look(): Promise<string | undefined> {
    const row = await readCanaryState(db);
    if (row?.state === 'promoted' && row.version === version) return promoted();
    if (row?.state !== 'running' || row.version !== version) return `it was ended by hand: ${row?.why ?? ''}`;
    const business = await lookAtBusiness(databases, service, version, started);
    const reading = await readBoth(options);
    const total = judge(evidenceOf(whole.add(reading), business, ended));
    const recent: Verdict = judge(evidenceOf(watch.add(reading), business, ended));
    report(options, { state, percent: steps[step] as number, business, verdict: recent });
    for (const verdict of [total, recent]) if (verdict.kind === 'bad') return verdict.why;
    if (recent.kind !== 'good' || performance.now() < stepEndsAt || state === 'passed') return undefined;
    const problem = await audit.problem();
    if (problem !== undefined) return problem;
    if (step + 1 < steps.length) await enter(step + 1);
    else {
      state = 'passed';
      say(`canary of ${service}: passed every step and would be promoted; it stays at ${steps[step]} %, watched`);
    }
    return undefined;
  }

  /** By hand. An end is final: nothing is judged any more, and there is nothing to go back from. */
  async function promoted(): Promise<undefined> {
    if (ended !== undefined) writeSplits(options, undefined);
    if (state === 'promoted') return;
    const business = await lookAtBusiness(databases, service, version, started);
    state = 'promoted';
    report(options, { state, percent: steps[step] as number, business, verdict: { kind: 'good' } });
    say(
      `canary of ${service}: promoted by hand; it shares the work with the version before it until the shop stops, ` +
        'and is not watched any more',
    );
  }

  await enter(0);
  while (!signal.aborted) {
    try {
      const why = await look();
      if (why !== undefined) return await rollBack(options, { started, why, percent: steps[step] as number });
    } catch (error) {
      // The shop may be restarting; what cannot be seen is judged when it can.
      say(`canary of ${service}: cannot be looked at now (${(error as Error).message})`);
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
  }
  writeSplits(options, undefined);
  await endCanary(db, version, { state: 'rolled back', why: 'the shop was stopped' });
  await options.stopCanary();
}

/** Both at once: one that hangs costs its own time and not the other's. */
async function readBoth({ adminPorts, service }: RolloutOptions): Promise<Reading> {
  const [stable, canary] = await Promise.all([scrape(adminPorts.stable, service), scrape(adminPorts.canary, service)]);
  return { stable, canary, atMs: performance.now() };
}

function evidenceOf({ stable, canary, silentSeconds }: Seen, business: Business, ended: string | undefined): Evidence {
  return {
    stable: sideOf(stable, business.stable),
    canary: sideOf(canary, business.canary),
    returned: canary.returned,
    parkedOfReturned: business.parkedHere,
    parkedOfCanary: business.parkedOfCanary,
    violations: business.wrong.map(({ number, problem }) => `order ${number}: ${problem}`),
    silentSeconds,
    ended,
  };
}

const sideOf = (counts: Counts, outcomes: Business['stable']): Side => ({ ...counts, p95: p95(counts), ...outcomes });

interface Ending {
  readonly started: Beginning;
  readonly why: string;
  readonly percent: number;
}

async function rollBack(options: RolloutOptions, { started, why, percent }: Ending): Promise<void> {
  const { service, version, databases, say } = options;
  const db = databases[service] as Databases[string];
  writeSplits(options, undefined);
  await endCanary(db, version, { state: 'rolled back', why });
  await sleep(CALLS_GONE_MS);
  await options.stopCanary();
  const until = performance.now() + TAKE_BACK.limitMs;
  while ((await countHanded(db)) > 0 && performance.now() < until) await sleep(TAKE_BACK.pollMs);
  const left = await countHanded(db);
  const business = await lookAtBusiness(databases, service, version, started);
  report(options, { state: 'rolled back', percent, business, verdict: { kind: 'bad', why } });
  say(`canary of ${service}: rolled back at ${percent} %, because ${why}`);
  for (const { number, id, problem } of business.wrong.slice(0, NAMED_MAX)) {
    say(`  to be put right: order ${number} (${id}): ${problem}`);
  }
  const unnamed = business.wrong.length - NAMED_MAX;
  if (unnamed > 0) say(`  and ${unnamed} more, in ${options.reportFile}`);
  if (left > 0) say(`  ${left} of its messages are not applied yet: the stable version does it when it can`);
}

/** Replaced as a whole, so that nobody reads half of it. */
function writeSplits({ service, address, splitsFile }: RolloutOptions, percent: number | undefined): void {
  const splits = percent === undefined ? {} : { [service]: { address, percent } };
  replaceFile(splitsFile, JSON.stringify(splits));
}

interface Reported {
  readonly state: State;
  readonly percent: number;
  readonly business: Business;
  readonly verdict: Verdict;
}

function report({ service, version, reportFile }: RolloutOptions, { state, percent, business, verdict }: Reported) {
  const { wrong, ...outcomes } = business;
  const lines = { service, version, state, percent, verdict, ...outcomes, wrongOrders: wrong };
  replaceFile(reportFile, `${JSON.stringify({ at: new Date().toISOString(), ...lines }, null, 2)}\n`);
}

export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
