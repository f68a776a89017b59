// The load generator as the bench sees it: a process of its own, so that its cost is in nobody's account.
import { type ChildProcess, fork } from 'node:child_process';

/** One closed loop: `concurrency` shoppers, each beginning anew when it is done. */
export interface LoadOrder {
  readonly scenario: string;
  readonly url: string;
  readonly concurrency: number;
  /** Ends after so long, or after `count` rounds, whichever comes first. */
  readonly seconds?: number;
  readonly count?: number;
  /** What the scenario needs: SKUs, slugs, terms. */
  readonly given?: Readonly<Record<string, readonly string[]>>;
}

export interface LoadResult {
  readonly done: number;
  readonly failed: number;
  readonly seconds: number;
  /** Milliseconds of each named moment: `accepted`, `whole`, ... */
  readonly latencies: Readonly<Record<string, readonly number[]>>;
  /** Failures and outcomes by code. */
  readonly codes: Readonly<Record<string, number>>;
}

export interface LoadGenerator {
  run(order: LoadOrder): Promise<LoadResult>;
  stop(): void;
}

export function openLoadGenerator(): LoadGenerator {
  const child: ChildProcess = fork(new URL('../load/worker.ts', import.meta.url), { serialization: 'advanced' });
  return {
    run(order) {
      return new Promise((resolve, reject) => {
        const died = (code: number | null) => reject(new Error(`the load generator ended with ${code}`));
        child.once('exit', died);
        child.once('message', (answer) => {
          child.off('exit', died);
          const { error } = answer as { error?: string };
          if (error === undefined) resolve(answer as LoadResult);
          else reject(new Error(error));
        });
        child.send(order);
      });
    },
    stop: () => child.kill(),
  };
}
