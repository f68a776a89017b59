// The demo's report for people.
import type { Percentiles } from './percentiles.ts';
import type { DemoReport } from './tally.ts';

const ERRORS_SHOWN = 5;
const NAMES_SHOWN = 5;

export function renderDemoReport(report: DemoReport): string {
  const { accepted, confirmed, cancelled, rejected, repeated, retried, unavailable, errors } = report;
  const seconds = (report.durationMs / 1000).toFixed(1);
  const rejections = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  const lines = [
    row('accepted', accepted, `of ${report.purchases} in ${seconds} s, ${report.ordersPerSecond} orders/s`),
    row('confirmed', confirmed),
    row(
      'rejected',
      rejections,
      Object.entries(rejected)
        .map(([reason, count]) => `${reason} ${count}`)
        .join(', '),
    ),
    ...(cancelled > 0 ? [row('cancelled', cancelled)] : []),
    row('repeated', repeated, 'requests sent again with the same key: the same order each time'),
    ...(retried > 0 ? [row('retried', retried, 'requests sent again because there was no answer')] : []),
    ...(unavailable > 0 ? [row('sold out', unavailable, 'shoppers found nothing suitable')] : []),
    row(
      'errors',
      errors.reduce((sum, { count }) => sum + count, 0),
    ),
    ...errors
      .slice(0, ERRORS_SHOWN)
      .map(
        ({ code, count, message, traceId }) =>
          `             ${count} x ${code}: ${message}${traceId === undefined ? '' : ` (trace ${traceId})`}`,
      ),
    '',
    latency('accepted in', report.acceptedMs),
    latency('confirmed in', report.confirmedMs),
    ...complaints('NOT FINISHED', report.unfinished),
    ...complaints('DISAGREEMENT', report.disagreements),
  ];
  return `${lines.join('\n')}\n`;
}

function row(name: string, count: number, detail = ''): string {
  return `${name.padEnd(12)} ${String(count).padStart(7)}  ${detail}`.trimEnd();
}

function latency(name: string, times: Percentiles | undefined): string {
  if (times === undefined) return `${name.padEnd(12)} -`;
  return `${name.padEnd(12)} p50 ${times.p50} ms, p95 ${times.p95} ms, p99 ${times.p99} ms`;
}

function complaints(title: string, texts: readonly string[]): string[] {
  if (texts.length === 0) return [];
  const more = texts.length > NAMES_SHOWN ? [`  and ${texts.length - NAMES_SHOWN} more`] : [];
  return ['', `${title} (${texts.length})`, ...texts.slice(0, NAMES_SHOWN).map((text) => `  ${text}`), ...more];
}
