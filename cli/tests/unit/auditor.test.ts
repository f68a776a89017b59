// The audit as a process: what it finds is what its metrics say, and what it cannot check does not look clean.
import { createLog } from '@stoa/chassis/log';
import { afterEach, expect, test } from 'vitest';
import { runAuditor } from '../../src/audit/auditor.ts';
import type { AuditReport } from '../../src/audit/report.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const report = (broken: number): AuditReport => ({
  ok: broken === 0,
  broken,
  inFlight: 0,
  notChecked: [],
  settled: undefined,
  since: undefined,
  invariants: [
    { id: 'I1', title: 'a', status: 'OK', checked: [], inFlight: 0, broken: 0, examples: [], durationMs: 1 },
    { id: 'I2', title: 'b', status: 'BROKEN', checked: [], inFlight: 0, broken, examples: [], durationMs: 1 },
    { id: 'I3', title: 'c', status: 'NOT_CHECKED', checked: [], inFlight: 0, broken: 0, examples: [], durationMs: 0 },
  ],
  durationMs: 20,
});

/** Runs one audit after the other as they are given; answers with the metrics after the last. */
async function metricsAfter(...audits: (() => Promise<AuditReport>)[]): Promise<string> {
  const ending = new AbortController();
  const { promise: port, resolve: onListening } = Promise.withResolvers<number>();
  const { promise: done, resolve: allDone } = Promise.withResolvers<void>();
  const waiting = [...audits];
  const audit = async () => {
    const next = waiting.shift();
    if (next !== undefined) return next();
    allDone();
    return new Promise<never>((_, reject) => ending.signal.addEventListener('abort', () => reject(new Error('over'))));
  };
  const place = { databases: {}, everyMs: 1, host: '127.0.0.1', port: 0, version: '2', log: createLog('silent') };
  const running = runAuditor({ ...place, signal: ending.signal, audit, onListening });
  ends.push(async () => {
    ending.abort();
    await running;
  });
  const url = `http://127.0.0.1:${await port}/metrics`;
  await done;
  return (await fetch(url)).text();
}

test('tells findings by invariant, and nothing of what was not checked', async () => {
  const text = await metricsAfter(async () => report(3));
  expect(text).toContain('stoa_audit_violations{invariant="I1",version="2"} 0');
  expect(text).toContain('stoa_audit_violations{invariant="I2",version="2"} 3');
  expect(text).not.toContain('I3');
  expect(text).toContain('stoa_audit_runs_total{outcome="broken",version="2"} 1');
});

test('takes back what it told of an invariant that it cannot check any more', async () => {
  const { invariants, ...rest } = report(3);
  const unchecked = invariants.map((one) => ({ ...one, status: 'NOT_CHECKED' as const, broken: 0 }));
  const text = await metricsAfter(
    async () => report(3),
    async () => ({ ...rest, invariants: [...invariants.slice(0, 1), ...unchecked.slice(1)] }),
  );
  expect(text).toContain('stoa_audit_violations{invariant="I1",version="2"} 0');
  expect(text).not.toContain('I2');
});

test('goes on after an audit that could not be made, which leaves the findings as they were', async () => {
  const failing = () => Promise.reject(new Error('no database'));
  const text = await metricsAfter(async () => report(1), failing);
  expect(text).toContain('stoa_audit_violations{invariant="I2",version="2"} 1');
  expect(text).toContain('stoa_audit_runs_total{outcome="failed",version="2"} 1');
});
