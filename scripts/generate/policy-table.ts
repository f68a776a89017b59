// The policy as a table for programs: what the mesh enforces for each method of each workload. `npm run check` compares
// it with what the manifests really say and with what the chassis enforces at run time.
import { Audience } from '@stoa/proto/stoa/policy/v1/policy_pb';
import type { Artefact } from './manifests.ts';
import type { Workload } from './workload.ts';

export interface PolicyRow {
  readonly workload: string;
  readonly method: string;
  readonly callers: readonly string[];
  readonly timeoutMs: number;
  readonly retried: boolean;
}

export function policyRows(workloads: readonly Workload[]): PolicyRow[] {
  return workloads.flatMap(({ name, methods }) =>
    methods
      .map(({ path, callers, deadlineMs, sideEffectFree }) => ({
        workload: name,
        method: path,
        callers,
        timeoutMs: deadlineMs,
        retried: sideEffectFree,
      }))
      .sort((a, b) => (a.method < b.method ? -1 : 1)),
  );
}

export function policyTable(workloads: readonly Workload[]): Artefact {
  const audiences = new Map(workloads.flatMap(({ methods }) => methods.map((m) => [m.path, m.rules] as const)));
  const rows = policyRows(workloads).map((row) => {
    const rules = audiences.get(row.method);
    return {
      ...row,
      audience: audienceName(rules?.audience),
      ...(rules?.rateLimit === undefined ? {} : { rateLimit: rules.rateLimit }),
    };
  });
  return { path: 'mesh/generated/policy.json', text: `${JSON.stringify(rows, null, 2)}\n` };
}

export function audienceName(audience: Audience | undefined): string {
  const name = Object.entries(Audience).find(([, value]) => value === audience)?.[0];
  if (name === undefined) throw new Error(`no such audience: ${audience}`);
  return name.toLowerCase();
}
