// Failpoints: named moments at which a test may kill, stop, fail or delay the process. Set by STOA_FAILPOINTS, for
// example "outbox.after_commit=kill@3;saga.CAPTURING=delay:500", or while it runs by POST /failpoints on the admin
// port. Production configuration refuses to start with the variable set, even empty-handed ("none").
import type { Clock } from './runtime.ts';

export interface Failpoints {
  /** Does what was asked for at this moment, if anything. */
  hit(name: string): Promise<void> | void;
}

type Action = 'kill' | 'stop' | 'throw' | 'delay';

interface Failpoint {
  readonly action: Action;
  readonly delayMs: number;
  /** The hit at which it acts; 0 means every hit. */
  readonly at: number;
  hits: number;
}

export const NO_FAILPOINTS: Failpoints = { hit: () => {} };

export interface SettableFailpoints extends Failpoints {
  /** Replaces all of them; throws with the entry it cannot read. */
  set(text: string): void;
}

function read(text: string): Map<string, Failpoint> {
  const points = new Map<string, Failpoint>();
  if (text === '' || text === 'none') return points;
  for (const entry of text.split(';')) {
    const match = /^([\w.-]+)=(kill|stop|throw|delay)(?::(\d+))?(?:@(\d+))?$/.exec(entry.trim());
    if (match === null) throw new Error(`cannot read "${entry}"; write name=kill|stop|throw|delay[:ms][@hit]`);
    const [, name = '', action, delayMs = '0', at = '0'] = match;
    points.set(name, { action: action as Action, delayMs: Number(delayMs), at: Number(at), hits: 0 });
  }
  return points;
}

/** Failpoints from "name=action[:ms][@hit]" entries separated by semicolons; "none" for none yet. */
export function createFailpoints(text: string, clock: Clock): SettableFailpoints {
  let points = read(text);
  return {
    set(next) {
      points = read(next);
    },
    hit(name) {
      const point = points.get(name);
      if (point === undefined) return;
      point.hits++;
      if (point.at !== 0 && point.hits !== point.at) return;
      return act(name, point, clock);
    },
  };
}

function act(name: string, { action, delayMs }: Failpoint, clock: Clock): Promise<void> | void {
  switch (action) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      return;
    case 'stop':
      process.kill(process.pid, 'SIGSTOP');
      return;
    case 'throw':
      throw new Error(`failpoint ${name}`);
    case 'delay':
      return clock.sleep(delayMs);
    default:
      return action satisfies never;
  }
}
