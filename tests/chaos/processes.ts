// The processes of a running shop, found by their command lines: the supervisors start them again under other ids.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A supervisor waits some seconds before it starts what keeps dying. */
const RETURNS_WITHIN_MS = 60_000;
const POLL_MS = 50;

/** Command lines of all processes, by pid. */
function commands(): Map<number, string> {
  const found = new Map<number, string>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      found.set(Number(entry), readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').trim());
    } catch {
      // Ended meanwhile.
    }
  }
  return found;
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

/** The process with such a command line; the oldest, because PostgreSQL's children show their parent's for a moment. */
export async function findProcess(
  name: string,
  matches: (command: string) => boolean,
  parent?: number,
): Promise<number> {
  for (const until = Date.now() + RETURNS_WITHIN_MS; Date.now() < until; await sleep(POLL_MS)) {
    const pids = [...commands()]
      .filter(([pid, command]) => matches(command) && (parent === undefined || parentOf(pid) === parent))
      .map(([pid]) => pid);
    if (pids.length > 0) return Math.min(...pids);
  }
  throw new Error(`no process of ${name} came back within ${RETURNS_WITHIN_MS / 1000} s`);
}

/** Whether a process is still there and not merely unburied. */
export function isAlive(pid: number): boolean {
  try {
    readlinkSync(`/proc/${pid}/exe`);
    return true;
  } catch {
    return false;
  }
}
