// The chaos run as Markdown: one line a fault.
import { cpus, totalmem } from 'node:os';
import type { FaultOutcome } from './run-fault.ts';

function percentile(values: readonly number[], share: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return value === undefined ? '–' : `${(value / 1000).toFixed(1)} s`;
}

export function renderReport(outcomes: readonly FaultOutcome[], startedAt: Date, durationMs: number): string {
  const byFault = new Map<string, FaultOutcome[]>();
  for (const outcome of outcomes) byFault.set(outcome.fault.id, [...(byFault.get(outcome.fault.id) ?? []), outcome]);
  const rows = [...byFault.values()].map((runs) => {
    const [{ fault, impossible }] = runs as [FaultOutcome, ...FaultOutcome[]];
    if (impossible !== undefined) return `| ${fault.id} | ${fault.title} | not injected: ${impossible} | | | | |`;
    const orders = runs.reduce((sum, run) => sum + run.orders, 0);
    const violations = runs.flatMap((run) => run.violations);
    const times = runs.map((run) => run.recoveryMs);
    return `| ${fault.id} | ${fault.title} | ${runs.length} | ${orders} | ${violations.length} | ${percentile(times, 0.5)} | ${percentile(times, 0.99)} |`;
  });
  const all = outcomes.flatMap((outcome) => outcome.violations.map((text) => `- ${outcome.fault.id}: ${text}`));
  const orders = outcomes.reduce((sum, { orders }) => sum + orders, 0);
  return `# Chaos run

${startedAt.toISOString()}, ${(durationMs / 60_000).toFixed(1)} minutes, ${outcomes.length} injections, ${orders} orders, ${all.length} violations.
Split mode on ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}. Repeat it with \`npm run chaos -- --report FILE\`.

Recovery is the time from the end of the injection until a new order is confirmed and every service is ready.

| fault | what was done | injected | orders | violations | recovery p50 | p99 |
|---|---|---|---|---|---|---|
${rows.join('\n')}

${all.length === 0 ? 'No invariant was broken and every accepted order ended.' : `## Violations\n\n${all.join('\n')}`}
`;
}
