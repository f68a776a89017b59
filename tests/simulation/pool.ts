// Worlds on several processes: seeds are handed out one by one, verdicts come back in whatever order.
import { type ChildProcess, fork } from 'node:child_process';
import type { Mode } from './world/options.ts';
import type { Verdict } from './world/run.ts';

export interface Report {
  readonly seed: number;
  readonly mode: Mode;
  readonly verdict: Verdict;
  readonly cpuMs: number;
  readonly leaks: readonly string[];
}

export interface Task {
  readonly seed: number;
  readonly mode: Mode;
}

export interface PoolOptions {
  readonly workers: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly verbose?: boolean;
  /** Told of each verdict; true ends the run. */
  readonly onReport: (report: Report) => boolean;
}

type Message =
  | { readonly kind: 'ready' }
  | { readonly kind: 'verdict'; readonly verdict: Verdict; readonly cpuMs: number; readonly leaks: readonly string[] }
  | { readonly kind: 'crash'; readonly seed: number; readonly error: string };

/** Runs the tasks; rejects when a worker dies or a world cannot be run at all. */
export function runPool(tasks: readonly Task[], { workers, env = {}, verbose = false, onReport }: PoolOptions) {
  return new Promise<void>((resolve, reject) => {
    const left = [...tasks];
    const children = new Set<ChildProcess>();
    const end = (error?: Error) => {
      for (const child of children) child.kill();
      if (error === undefined) resolve();
      else reject(error);
    };
    const retire = (child: ChildProcess) => {
      children.delete(child);
      child.kill();
      if (children.size === 0) resolve();
    };
    for (let i = 0; i < Math.min(workers, tasks.length); i++) {
      const child = fork(new URL('./worker.ts', import.meta.url), { env: { ...process.env, ...env } });
      let current: Task | undefined;
      children.add(child);
      child.on('message', (message: Message) => {
        if (message.kind === 'crash') return end(new Error(`seed ${message.seed}: ${message.error}`));
        if (message.kind === 'verdict' && onReport({ ...(current as Task), ...message })) return end();
        current = left.shift();
        if (current === undefined) retire(child);
        else child.send({ ...current, verbose });
      });
      child.on('exit', (code) => {
        if (children.has(child)) end(new Error(`a worker ended with ${code} at seed ${current?.seed ?? 'none'}`));
      });
    }
  });
}
