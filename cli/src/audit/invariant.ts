// What an invariant is: a rule over the data of several services, and a check that finds what breaks it.
import type { Look } from './look.ts';

export interface Finding {
  /** Names it among the findings of its invariant, so that a second look recognises it: made of ids. */
  readonly key: string;
  /** For an operator: what disagrees with what. */
  readonly text: string;
  /**
   * The order whose progress may explain it. Left out where no progress can: money captured twice is wrong however
   * unfinished the order is.
   */
  readonly orderId?: string | undefined;
  /** It is known to be on its way, for example because a consumer has not applied it yet. */
  readonly isWaiting?: boolean | undefined;
}

/** How much was looked at: [672, 'SKUs']. */
export type Count = readonly [number | bigint, string];

export interface Outcome {
  readonly checked: readonly Count[];
  /** The first ones; bounded. */
  readonly findings: readonly Finding[];
  /** All of them. */
  readonly found: number;
}

export interface Invariant {
  /** As in reliability.md, with a letter where one has several parts. */
  readonly id: string;
  /** A few words. */
  readonly title: string;
  /** The databases it reads. Without one of them it is reported as not checked, never as holding. */
  readonly needs: readonly string[];
  /** It is about sums over all orders, or about no order: `--since` does not narrow it. */
  readonly isShopWide?: true;
  check(look: Look): Promise<Outcome>;
}

/** Kept of each invariant: enough to recognise them in a second look; a database that is wrong all over stays bounded. */
const FINDINGS_MAX = 2000;

/** Collects what a check finds. */
export function collect() {
  const findings: Finding[] = [];
  let found = 0;
  return {
    add(finding: Finding): void {
      found += 1;
      if (findings.length < FINDINGS_MAX) findings.push(finding);
    },
    outcome: (...checked: Count[]): Outcome => ({ checked, findings, found }),
  };
}
