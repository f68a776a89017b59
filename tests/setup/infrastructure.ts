// One PostgreSQL and one NATS for all integration and contract tests of a run, started before the first of them and
// stopped after the last, in a temporary home. `inject('postgresUrl')` is the superuser's URL: every test makes
// databases of its own in it. STOA_TEST_POSTGRES_URL and STOA_TEST_NATS_URL name servers to use instead.
//
// vitest calls the setup of each project, but runs all of them in its one main process: the servers hang on
// globalThis (the module itself is loaded again for each project) and the last project to leave stops them.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import type { RunningServer } from '../../cli/src/infrastructure/child.ts';
import { clearData } from '../../cli/src/infrastructure/clear-data.ts';
import { startNats } from '../../cli/src/infrastructure/nats.ts';
import { startPostgres } from '../../cli/src/infrastructure/postgres.ts';
import { processState } from '../../cli/src/infrastructure/processes.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Superuser's URL of a real PostgreSQL. */
    postgresUrl: string;
    natsUrl: string;
  }
}

interface Infrastructure {
  readonly postgresUrl: string;
  readonly natsUrl: string;
  stop(): Promise<void>;
}

interface Shared {
  users: number;
  readonly started: Promise<Infrastructure>;
}

const homePrefix = 'stoa-tests-';
const key = Symbol.for('stoa.test-infrastructure');
const holder = globalThis as typeof globalThis & { [key]?: Shared | undefined };

export async function setup(project: TestProject): Promise<void> {
  holder[key] ??= { users: 0, started: startInfrastructure() };
  holder[key].users += 1;
  const { postgresUrl, natsUrl } = await holder[key].started;
  project.provide('postgresUrl', postgresUrl);
  project.provide('natsUrl', natsUrl);
}

export async function teardown(): Promise<void> {
  const shared = holder[key];
  if (shared === undefined) return;
  shared.users -= 1;
  if (shared.users > 0) return;
  holder[key] = undefined;
  await (await shared.started).stop();
}

async function startInfrastructure(): Promise<Infrastructure> {
  await removeLeftovers();
  const home = mkdtempSync(join(tmpdir(), `${homePrefix}${process.pid}-`));
  const running: RunningServer[] = [];
  const stop = async () => {
    await Promise.all(running.map((server) => server.stop()));
    await removeHome(home);
  };
  const start = async (given: string | undefined, server: typeof startNats) => {
    if (given) return given;
    const started = await server({ home, onProgress: (line) => process.stderr.write(`${line}\n`) });
    running.push(started);
    return started.url;
  };
  const [postgres, nats] = await Promise.allSettled([
    start(process.env.STOA_TEST_POSTGRES_URL, startPostgres),
    start(process.env.STOA_TEST_NATS_URL, startNats),
  ]);
  if (postgres.status === 'fulfilled' && nats.status === 'fulfilled') {
    return { postgresUrl: postgres.value, natsUrl: nats.value, stop };
  }
  await stop();
  const failure = [postgres, nats].find((outcome) => outcome.status === 'rejected');
  throw failure?.reason;
}

/** What a run that was killed has left behind: its servers and their data, told by the process id in the name. */
async function removeLeftovers(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${homePrefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || processState(Number(pid)).alive) continue;
    // Another user's, or being removed by another run at this moment: never a reason for this run to fail.
    await removeHome(join(tmpdir(), name)).catch(() => undefined);
  }
}

async function removeHome(home: string): Promise<void> {
  await clearData(home);
  rmSync(home, { recursive: true, force: true });
}
