// `stoa audit`: proves over the live databases that stock, money and orders agree. Reading several databases is not one
// snapshot, so what looks wrong is looked at a second time, and only what both looks show is called broken. What an
// unfinished order explains is counted as in flight.
import { setTimeout as sleep } from 'node:timers/promises';
import { createLog } from '@stoa/chassis/log';
import { openPgDatabase } from '@stoa/chassis/postgres/pg-database';
import { systemRuntime } from '@stoa/chassis/runtime';
import type { Finding, Invariant, Outcome } from './invariant.ts';
import { type Look, type OpenDatabases, takeLook } from './look.ts';
import { waitUntilQuiet } from './quiet.ts';
import { INVARIANTS } from './registry.ts';
import { type AuditReport, type InvariantReport, renderAuditReport, toReport } from './report.ts';

export type { AuditReport } from './report.ts';

export interface AuditOptions {
  /** URL by database name: orders, inventory, payments, sandbox, cart, catalog, shipping, notifications, identity. */
  readonly databases: Readonly<Record<string, string>>;
  /** Wait so long until nothing moves; what moves even then is called broken. 0 or left out: audit a live system. */
  readonly settleMs?: number;
  /** Looks at the orders placed since, and what belongs to them; sums over the whole shop stay whole. @default all */
  readonly since?: Date | undefined;
  readonly json: boolean;
  readonly out: NodeJS.WritableStream;
  /** Between the two looks. @default 2.5 s */
  readonly betweenLooks?: () => Promise<unknown>;
}

/** Reading a million orders takes its time; a query that takes longer than this is stuck. */
const STATEMENT_TIMEOUT_MS = 10 * 60_000;
/** A snapshot, and reads beside it. */
const CONNECTIONS = 2;
const SECOND_LOOK_MS = 2500;

export async function runAudit(options: AuditOptions): Promise<AuditReport> {
  const { settleMs = 0, since, json, out, betweenLooks = () => sleep(SECOND_LOOK_MS) } = options;
  const startedAt = performance.now();
  const { databases, close } = openAll(options.databases);
  try {
    const quiet = settleMs > 0 ? await waitUntilQuiet(databases, settleMs) : undefined;
    // Who waited until nothing moved excuses nothing by being on its way.
    const counting = quiet === undefined ? unexcused : all;
    const first = await lookFor(databases, since, INVARIANTS);
    const again = INVARIANTS.filter(({ id }) => counting(first.get(id) as Checked).length > 0);
    if (again.length > 0) await betweenLooks();
    const second = again.length > 0 ? await lookFor(databases, since, again) : new Map<string, Checked>();
    const invariants = INVARIANTS.map((invariant) =>
      judge(invariant, first.get(invariant.id) as Checked, second.get(invariant.id), counting),
    );
    const report = toReport(invariants, {
      settled: quiet,
      since,
      durationMs: Math.round(performance.now() - startedAt),
    });
    out.write(json ? `${JSON.stringify(report, null, 2)}\n` : renderAuditReport(report));
    return report;
  } finally {
    await close();
  }
}

function openAll(urls: Readonly<Record<string, string>>): { databases: OpenDatabases; close(): Promise<void> } {
  const { clock, random } = systemRuntime();
  const log = createLog('silent');
  const opened = Object.entries(urls).map(([name, url]) => {
    const limits = { poolMax: CONNECTIONS, statementTimeoutMs: STATEMENT_TIMEOUT_MS };
    return [name, openPgDatabase({ url, applicationName: 'stoa-audit', ...limits, log, clock, random })] as const;
  });
  return {
    databases: Object.fromEntries(opened),
    async close() {
      await Promise.all(opened.map(([, database]) => database.close()));
    },
  };
}

interface Checked {
  /** Undefined when a database it needs is not there. */
  readonly outcome: Outcome | undefined;
  /** Orders that were on their way when it was checked. */
  readonly moving: ReadonlySet<string>;
  readonly durationMs: number;
}

async function lookFor(
  databases: OpenDatabases,
  since: Date | undefined,
  invariants: readonly Invariant[],
): Promise<Map<string, Checked>> {
  return takeLook(databases, since, async (look) => {
    const checked = new Map<string, Checked>();
    for (const invariant of invariants) checked.set(invariant.id, await checkOne(invariant, look));
    return checked;
  });
}

async function checkOne(invariant: Invariant, look: Look): Promise<Checked> {
  const { id, title, needs, isShopWide } = invariant;
  const { moving } = look;
  const startedAt = performance.now();
  try {
    const outcome = needs.every((name) => look.has(name))
      ? await invariant.check(isShopWide ? look.whole : look)
      : undefined;
    return { outcome, moving, durationMs: Math.round(performance.now() - startedAt) };
  } catch (error) {
    // Never "holds", and never passed over: the data may be of a kind that the check did not imagine.
    throw new Error(`${id} (${title}) could not be checked: ${(error as Error).message}`, { cause: error });
  }
}

const isExcused = (finding: Finding, moving: ReadonlySet<string>) =>
  finding.isWaiting === true || (finding.orderId !== undefined && moving.has(finding.orderId));

type Counting = (checked: Checked) => readonly Finding[];

const all: Counting = ({ outcome }) => outcome?.findings ?? [];
const unexcused: Counting = (checked) => all(checked).filter((finding) => !isExcused(finding, checked.moving));

function judge(
  { id, title }: Invariant,
  first: Checked,
  second: Checked | undefined,
  counting: Counting,
): InvariantReport {
  const last = second ?? first;
  const { outcome } = last;
  const { durationMs } = first;
  if (outcome === undefined) {
    return { id, title, status: 'NOT_CHECKED', checked: [], inFlight: 0, broken: 0, examples: [], durationMs };
  }
  const before = new Set(counting(first).map(({ key }) => key));
  const counted = counting(last);
  const broken = counted.filter(({ key }) => second === undefined || before.has(key));
  const excused = outcome.findings.length - counted.length;
  // What was found beyond those that were kept is like them.
  const unlisted = broken.length > 0 ? outcome.found - outcome.findings.length : 0;
  const status = broken.length > 0 ? 'BROKEN' : excused > 0 ? 'IN_FLIGHT' : 'OK';
  return {
    id,
    title,
    status,
    checked: outcome.checked.map(([count, what]) => ({ count: Number(count), what })),
    inFlight: excused,
    broken: broken.length + unlisted,
    examples: broken.map(({ key, text }) => ({ key, text })),
    durationMs,
  };
}
