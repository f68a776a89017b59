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
  /** The first broken ones. */
  readonly examples: readonly { readonly key: string; readonly text: string }[];
  readonly durationMs: number;
}

export interface AuditReport {
  /** No invariant is broken; and, if it was to settle, it did. */
  readonly ok: boolean;
  readonly broken: number;
  readonly inFlight: number;
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
  return { ok, broken, inFlight, settled, since: since?.toISOString(), invariants, durationMs };
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
    ...one.examples.map(({ key, text }) => `        ${key}: ${text}`),
    ...(one.broken > one.examples.length && one.examples.length > 0
      ? [`        and ${one.broken - one.examples.length} more`]
      : []),
  ]);
  return `${[...told, ...(told.length > 0 ? [''] : []), ...lines.map((line) => line.trimEnd()), '', verdict(report)].join('\n')}\n`;
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

function verdict({ ok, broken, inFlight, invariants, durationMs }: AuditReport): string {
  const named = invariants.filter(({ status }) => status === 'BROKEN').map(({ id }) => id);
  const seconds = (durationMs / 1000).toFixed(1);
  const flight = inFlight > 0 ? `, ${inFlight} in flight` : '';
  if (broken > 0) return `BROKEN: ${named.join(', ')} (${broken} findings${flight}), in ${seconds} s`;
  return `${ok ? 'all invariants hold' : 'no invariant is broken, but the shop did not come to rest'}${flight}, in ${seconds} s`;
}
