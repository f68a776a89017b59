// CPU time of a shop's processes, from /proc: everything that descends from the process that was started, reaped
// children included, so a PostgreSQL backend that ended between two looks is not lost.
import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds, by what the process is. */
export interface Cpu {
  readonly node: number;
  readonly postgres: number;
  readonly nats: number;
}

/** USER_HZ, which Linux fixes at 100 for /proc on every architecture that Node runs on. */
const MS_PER_TICK = 10;
const KB_PER_MB = 1024;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly kind: keyof Cpu;
  readonly ms: number;
}

function readProcess(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may contain anything: count from the last one.
    const end = stat.lastIndexOf(')');
    const name = stat.slice(stat.indexOf('(') + 1, end);
    const fields = stat.slice(end + 2).split(' ');
    const [user, system, userOfReaped, systemOfReaped] = fields.slice(11, 15).map(Number) as [
      number,
      number,
      number,
      number,
    ];
    const kind = name.startsWith('postgres') ? 'postgres' : name.startsWith('nats') ? 'nats' : 'node';
    const ticks = user + system + userOfReaped + systemOfReaped;
    return { pid, parent: Number(fields[1]), kind, ms: ticks * MS_PER_TICK };
  } catch {
    return undefined;
  }
}

/** The process and all that descend from it. */
export function familyOf(root: number): Process[] {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : []));
  const family = new Set([root]);
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(({ pid }) => family.has(pid));
}

export function cpuOf(root: number): Cpu {
  const sum = { node: 0, postgres: 0, nats: 0 };
  for (const { kind, ms } of familyOf(root)) sum[kind] += ms;
  return sum;
}

export const minus = (a: Cpu, b: Cpu): Cpu => ({
  node: a.node - b.node,
  postgres: a.postgres - b.postgres,
  nats: a.nats - b.nats,
});

export const total = ({ node, postgres, nats }: Cpu): number => node + postgres + nats;

/** Resident megabytes of the family's Node processes, or of all kinds; PostgreSQL's shared memory counts once a process. */
export function residentMb(root: number, kind: keyof Cpu): number {
  return familyOf(root)
    .filter((member) => member.kind === kind)
    .reduce((sum, { pid }) => sum + residentKb(pid) / KB_PER_MB, 0);
}

function residentKb(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
