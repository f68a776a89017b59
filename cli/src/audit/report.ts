// The audit's report: as data, and as lines for people.
import type { Quiet } from './quiet.ts';

export interface InvariantReport {
  readonly id: string;
  readonly title: string;
  readonly status: 'OK' | 'IN_FLIGHT' | 'BROKEN' | 'NOT_CHECKED';
  readonly checked: readonly { readonly count: number; readonly what: string }[];
  /** What is explained by orders or messages that are on their way. */
  readonly inFlight: number;
  readonly broken: number;
  /** The broken ones, as many as were kept; for people the first few are told. */
  readonly examples: readonly { readonly key: string; readonly text: string }[];
  readonly durationMs: number;
}

/** Examples of an invariant in the report for people. */
const SHOWN = 5;

export interface AuditReport {
  /** No invariant is broken; and, if it was to settle, it did. Says nothing of those that were not checked. */
  readonly ok: boolean;
  readonly broken: number;
  readonly inFlight: number;
  /** Ids of the invariants whose databases were not there. */
  readonly notChecked: readonly string[];
  /** Undefined when it was not asked to settle. */
  readonly settled: Quiet | undefined;
  /** ISO 8601; undefined when all orders were looked at. */
  readonly since: string | undefined;
  readonly invariants: readonly InvariantReport[];
  readonly durationMs: number;
}

export function toReport(
  invariants: readonly InvariantReport[],
  { settled, since, durationMs }: { settled: Quiet | undefined; since: Date | undefined; durationMs: number },
): AuditReport {
  const sum = (of: (one: InvariantReport) => number) => invariants.reduce((total, one) => total + of(one), 0);
  const broken = sum((one) => one.broken);
  const ok = broken === 0 && settled?.isQuiet !== false;
  const inFlight = sum((one) => one.inFlight);
  const notChecked = invariants.filter(({ status }) => status === 'NOT_CHECKED').map(({ id }) => id);
  return { ok, broken, inFlight, notChecked, settled, since: since?.toISOString(), invariants, durationMs };
}

export function renderAuditReport(report: AuditReport): string {
  const { settled, since, invariants } = report;
  const widths = {
    title: Math.max(...invariants.map(({ title }) => title.length)),
    status: Math.max(...invariants.map((one) => statusText(one).length)),
  };
  const told = [
    ...(settled === undefined ? [] : [quietText(settled)]),
    ...(since === undefined ? [] : [`orders placed since ${since}, and sums over the whole shop`]),
  ];
  const lines = invariants.flatMap((one) => [
    `${one.id.padEnd(5)} ${one.title.padEnd(widths.title)}  ${statusText(one).padEnd(widths.status)}  ${countText(one)}`,
    ...exampleLines(one),
  ]);
  return `${[...told, ...(told.length > 0 ? [''] : []), ...lines.map((line) => line.trimEnd()), '', verdict(report)].join('\n')}\n`;
}

function exampleLines({ examples, broken }: InvariantReport): string[] {
  const shown = examples.slice(0, SHOWN).map(({ key, text }) => `        ${key}: ${text}`);
  return shown.length > 0 && broken > shown.length ? [...shown, `        and ${broken - shown.length} more`] : shown;
}

function statusText({ status, broken, inFlight }: InvariantReport): string {
  if (status === 'BROKEN') return inFlight > 0 ? `BROKEN ${broken}, IN FLIGHT ${inFlight}` : `BROKEN ${broken}`;
  if (status === 'IN_FLIGHT') return `IN FLIGHT ${inFlight}`;
  return status === 'NOT_CHECKED' ? 'NOT CHECKED' : 'OK';
}

const grouped = new Intl.NumberFormat('en-US');

const countText = ({ checked }: InvariantReport) =>
  checked.map(({ count, what }) => `${grouped.format(count)} ${what}`).join(', ');

function quietText({ isQuiet, waitedMs, busy }: Quiet): string {
  const seconds = (waitedMs / 1000).toFixed(1);
  return isQuiet ? `quiet after ${seconds} s` : `NOT QUIET after ${seconds} s: ${busy.join('; ')}`;
}

function verdict({ ok, broken, inFlight, notChecked, invariants, durationMs }: AuditReport): string {
  const named = invariants.filter(({ status }) => status === 'BROKEN').map(({ id }) => id);
  const flight = inFlight > 0 ? `, ${inFlight} in flight` : '';
  const took = `, in ${(durationMs / 1000).toFixed(1)} s`;
  const unseen = notChecked.length > 0 ? `; NOT CHECKED: ${notChecked.join(', ')}` : '';
  if (broken > 0) return `BROKEN: ${named.join(', ')} (${broken} findings${flight})${unseen}${took}`;
  if (!ok) return `no invariant is broken, but the shop did not come to rest${flight}${unseen}${took}`;
  return `${notChecked.length > 0 ? 'the other invariants hold' : 'all invariants hold'}${flight}${unseen}${took}`;
}
