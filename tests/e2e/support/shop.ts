// One shop, started as a user starts it: `stoa start`, its own home in the temporary folder, its own port. It can be
// stopped, killed and started again on the same home; what it leaves behind is always removed.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { clearData } from '../../../cli/src/infrastructure/clear-data.ts';
import { freePorts } from '../../../cli/src/infrastructure/ports.ts';
import { processState } from '../../../cli/src/infrastructure/processes.ts';
import { findRunning, type Running } from '../../../cli/src/start/home.ts';
import { killAll, type Process, treeOf } from './process-tree.ts';
import { type Command, type Ended, runStoa, spawnStoa } from './stoa-command.ts';

export interface ShopOptions {
  readonly split: boolean;
}

export type Shop = Awaited<ReturnType<typeof openShop>>;

const HOME_PREFIX = 'stoa-e2e-';
/** Generous: a machine that is busy with other things is no failure. */
const READY_MS = 120_000;
const STOP_MS = 60_000;

/** A shop that is not started yet. */
export async function openShop({ split }: ShopOptions) {
  await removeLeftovers();
  const home = mkdtempSync(join(tmpdir(), `${HOME_PREFIX}${process.pid}-`));
  const [port] = await freePorts(1);
  // Nobody has a quarter of an hour for a customer who does not come back.
  const env = { STOA_HOME: home, PORT: String(port), STOA_PAYMENT_ACTION_SECONDS: '10' };
  const url = `http://localhost:${port}`;
  let command: Command | undefined;

  /** All that it ever was seen to have: what loses its parent is found by nobody else. */
  const known = new Map<string, Process>();
  const tree = () => {
    const now = command === undefined ? [] : treeOf(command.child.pid as number);
    for (const each of now) known.set(`${each.pid} ${each.startTime}`, each);
    return now;
  };
  const running = (): Running => {
    const found = findRunning(home);
    if (found === undefined) throw new Error('the shop does not run');
    return found;
  };
  return {
    split,
    home,
    port: port as number,
    url,
    env,
    tree,
    running,
    /** What it has said on its console since it was started. */
    said: () => command?.stdout() ?? '',
    async start(...args: readonly string[]) {
      command = spawnStoa([...(split ? ['start', '--split'] : ['start']), ...args], env);
      await untilReady(command);
    },
    /** For a test that comes after one that failed half-way: starts it anew unless it serves. */
    async ensureRunning() {
      const { child } = command ?? {};
      const hasEnded = child === undefined || child.exitCode !== null || child.signalCode !== null;
      if (!hasEnded && (await serves(url))) return;
      tree();
      await killAll([...known.values()]);
      await this.start();
    },
    /** Asks it to end and waits. SIGINT goes to the whole process group, as Ctrl-C in a terminal. */
    async stop(signal: 'SIGTERM' | 'SIGINT'): Promise<Ended & { readonly had: readonly Process[] }> {
      const had = tree();
      if (signal === 'SIGINT') process.kill(-(command?.child.pid as number), signal);
      else command?.child.kill(signal);
      return { ...(await endOf(command)), had };
    },
    /** kill -9 of all its processes at once: Node, NATS, PostgreSQL. */
    async kill() {
      await killAll(tree());
      await endOf(command);
    },
    /** Another `stoa` command on this home, to its end. */
    stoa: (...args: string[]) => runStoa(args, env),
    /** Rows of one of its databases. */
    async rows<Row extends pg.QueryResultRow>(database: string, sql: string, values: unknown[] = []): Promise<Row[]> {
      const client = new pg.Client({ connectionString: running().databases[database] ?? '' });
      await client.connect();
      try {
        return (await client.query<Row>(sql, values)).rows;
      } finally {
        await client.end();
      }
    },
    async remove() {
      tree();
      await killAll([...known.values()]);
      await removeHome(home);
    },
  };
}

/** Whether it serves, or comes to it. */
async function serves(url: string): Promise<boolean> {
  for (const deadline = Date.now() + STOP_MS; Date.now() < deadline; await sleep(200)) {
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (answer?.ok === true) return true;
  }
  return false;
}

async function untilReady(command: Command): Promise<void> {
  const deadline = Date.now() + READY_MS;
  let ended: Ended | undefined;
  void command.ended.then((result) => {
    ended = result;
  });
  while (!command.stdout().includes('Stoa is ready')) {
    if (ended !== undefined) throw new Error(`the shop ended instead of starting:\n${ended.stdout}${ended.stderr}`);
    if (Date.now() > deadline) throw new Error(`the shop is not ready:\n${command.stdout()}${command.stderr()}`);
    await sleep(50);
  }
}

async function endOf(command: Command | undefined): Promise<Ended> {
  if (command === undefined) throw new Error('the shop was not started');
  const late = new AbortController();
  const tooLong = sleep(STOP_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`the shop did not end within ${STOP_MS / 1000} s:\n${command.stdout()}${command.stderr()}`);
  });
  // Aborted when it ended in time.
  tooLong.catch(() => undefined);
  const ended = await Promise.race([command.ended, tooLong]);
  late.abort();
  return ended;
}

/** What a test run that was killed has left: told by its process id in the home's name. */
async function removeLeftovers(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${HOME_PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || processState(Number(pid)).alive) continue;
    const home = join(tmpdir(), name);
    const left = findRunning(home)?.pid;
    if (left !== undefined) await killAll(treeOf(left));
    // Another user's, or being removed by another run at this moment: never a reason for this run to fail.
    await removeHome(home).catch(() => undefined);
  }
}

async function removeHome(home: string): Promise<void> {
  await clearData(home);
  rmSync(home, { recursive: true, force: true });
}
