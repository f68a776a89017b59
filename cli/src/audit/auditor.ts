// The audit as a process: runs again and again, and tells its findings as metrics. It can read everything and change
// nothing: give it a role that may only read.
import { setTimeout as sleep } from 'node:timers/promises';
import { serveAdmin } from '@stoa/chassis/host/admin-http';
import { createLog, type Log } from '@stoa/chassis/log';
import { createMetrics, type Metrics } from '@stoa/chassis/metrics';
import { runAudit } from './audit.ts';
import type { AuditReport } from './report.ts';

export interface AuditorOptions {
  readonly databases: Readonly<Record<string, string>>;
  readonly everyMs: number;
  readonly host: string;
  /** Of health and metrics; 0 takes a free port. */
  readonly port: number;
  readonly version: string | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly log?: Log;
  /** @default the audit */
  readonly audit?: (databases: AuditorOptions['databases']) => Promise<AuditReport>;
  readonly onListening?: (port: number) => void;
}

/** Until the signal. An audit that could not be made is told and tried again: it says nothing about the shop. */
export async function runAuditor(options: AuditorOptions): Promise<void> {
  const { databases, everyMs, host, port, version, signal, audit = auditSilently(), log = createLog('info') } = options;
  const metrics = createMetrics({ processMetrics: false, ...(version === undefined ? {} : { version }) });
  const readiness = () => ({ ready: true, reasons: {} });
  const info = () => ({ auditor: true, version, everySeconds: everyMs / 1000 });
  const admin = await serveAdmin({ host, port, readiness, metrics, info, failpoints: undefined });
  options.onListening?.(admin.port);
  while (!signal.aborted) {
    try {
      tell(await audit(databases), metrics, log);
    } catch (error) {
      metrics.count('audit_runs_total', RUNS, { outcome: 'failed' });
      log.error('the audit could not be made', { error });
    }
    await sleep(everyMs, undefined, { signal }).catch(() => {});
  }
  await admin.close(0);
}

const RUNS = 'Audits by outcome';

function tell({ ok, invariants, durationMs }: AuditReport, metrics: Metrics, log: Log): void {
  for (const { id, title, status, broken } of invariants) {
    // What the last audit did not look at has no finding: not the one of an audit before either.
    const found = status === 'NOT_CHECKED' ? undefined : broken;
    metrics.gauge('audit_violations', 'Findings of the last audit, by invariant', found, { invariant: id });
    if (broken > 0) log.error('an invariant is broken', { id, reason: `${title}: ${broken} broken` });
  }
  metrics.count('audit_runs_total', RUNS, { outcome: ok ? 'clean' : 'broken' });
  metrics.gauge('audit_last_timestamp_seconds', 'When the last audit was made', Math.floor(Date.now() / 1000));
  metrics.gauge('audit_duration_seconds', 'How long the last audit took', durationMs / 1000);
}

const nowhere = { write: () => true } as unknown as NodeJS.WritableStream;

/** `since` is asked for each audit: a duration's moment moves on. */
export const auditSilently =
  (since: () => Date | undefined = () => undefined) =>
  (databases: AuditorOptions['databases']): Promise<AuditReport> =>
    runAudit({ databases, since: since(), json: true, out: nowhere });
