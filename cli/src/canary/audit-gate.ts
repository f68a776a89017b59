// The whole audit as a gate: before a step is passed, every invariant over the orders placed since the rollout began, and
// sums over the shop. What was broken before is not the canary's; what one audit finds, a second one must confirm.
import { auditSilently } from '../audit/auditor.ts';
import type { AuditReport } from '../audit/report.ts';

/** New breaches by invariant, as one sentence; undefined when there is none. Pure. */
export function newBreaches(before: AuditReport, now: AuditReport): string | undefined {
  const counted = new Map(before.invariants.map(({ id, broken }) => [id, broken]));
  const worse = now.invariants.filter(({ id, broken }) => broken > (counted.get(id) ?? 0));
  if (worse.length === 0) return undefined;
  const told = worse.map(({ id, title, broken, examples }) => {
    const example = examples[0] === undefined ? '' : `, for example ${examples[0].key}: ${examples[0].text}`;
    return `${id} (${title}) is broken ${broken} times${example}`;
  });
  return `the audit finds: ${told.join('; ')}`;
}

export interface AuditGate {
  /** Why the step must not be passed; undefined when the audit is as clean as it was. */
  problem(): Promise<string | undefined>;
}

/** Takes what is broken now as given. */
export async function openAuditGate(urls: Readonly<Record<string, string>>, since: Date): Promise<AuditGate> {
  const audit = () => auditSilently(() => since)(urls);
  const before = await audit();
  return {
    async problem() {
      if (newBreaches(before, await audit()) === undefined) return undefined;
      return newBreaches(before, await audit());
    },
  };
}
