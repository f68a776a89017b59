// The `stoa` command: hosts the services and operates them.
import { parseArgs } from 'node:util';
import { ConfigError } from '@stoa/chassis/config';
import { readCanaryOption } from './canary/option.ts';
import { actions } from './commands/actions.ts';
import { audit } from './commands/audit.ts';
import { canary } from './commands/canary.ts';
import { demo } from './commands/demo.ts';
import { migrateDatabases } from './commands/migrate.ts';
import { parked } from './commands/parked.ts';
import { rebuild } from './commands/rebuild.ts';
import { republish } from './commands/republish.ts';
import { reset } from './commands/reset.ts';
import { saga } from './commands/saga.ts';
import { tasks } from './commands/tasks.ts';
import { serviceNames } from './load-services.ts';

const USAGE = `stoa <command>

  start [--split] [--no-seed]    serve the shop: one process, or one for each service
        --split --canary SERVICE=FOLDER_OR_GIT_REF:PERCENT
                                 a second version of a service beside the first: a share of its calls and
                                 orders, judged against the first, taken back by itself when it is worse
        [--canary-steps 25,50,100] [--canary-step-seconds 15]
  demo [--orders N] [--concurrency N] [--seed N] [--json]
                                 drive real checkouts through GraphQL
  audit [--settle SECONDS] [--since 24h|2026-11-20T00:00Z] [--json] [--every SECONDS]
                                 check the invariants over the live databases; go on, and serve metrics

  saga list [--state S] [--older 60s]
  saga show ORDER                why an order stands where it stands (its id or its number)
  saga retry|compensate ORDER [--force]
                                 send its command again; turn it back
  parked list|show|redrive|drop [CONSUMER [SEQUENCE]] [--aggregate ID] [--all] [--wait]
                                 messages that a consumer could not handle
  tasks list|show|claim|decide [TASK [retry|compensate|resolve]]
                                 what waits for a person
  republish TOPIC [--from SEQ]   send a topic's events to the broker again
  rebuild READ_MODEL [--dry-run] rebuild from events, compare, swap
  actions list                   what operators did, and why
                                 (all of these: --json; those that change something: --reason TEXT [--by NAME])

  canary show|share|promote|rollback SERVICE [--version V] [--percent N] [--reason TEXT]
                                 which version is a service's canary, and its share of the aggregates
  canary settle                  in a cluster: tell databases what Argo Rollouts made of their canaries

  reset                          delete all data of this home
  migrate                        bring databases up to date, as the owners that STOA_MIGRATE_URL_<NAME> name
  host NAME...                   run the named services in this process, configured by the environment

Data is kept in .stoa/ of the repository, or in STOA_HOME. Audit, canary and operators' commands work on the databases that
STOA_DATABASE_URL_<NAME> name, where there are such variables (rebuild also needs STOA_MIGRATE_URL_<NAME>).
`;

type Command = (args: readonly string[]) => Promise<number>;

const COMMANDS: Readonly<Record<string, Command>> = {
  async start(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        split: { type: 'boolean', default: false },
        'no-seed': { type: 'boolean', default: false },
        canary: { type: 'string' },
        'canary-steps': { type: 'string' },
        'canary-step-seconds': { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    const { split, canary, 'canary-steps': steps, 'canary-step-seconds': stepSeconds } = values;
    const option = readCanaryOption({ split, canary, steps, stepSeconds }, serviceNames());
    // Loaded late: the other commands need none of the services.
    const { start } = await import('./start/start.ts');
    return start({ env: process.env, split, seed: !values['no-seed'], canary: option });
  },
  async host(args) {
    const { loadServices } = await import('./load-services.ts');
    const { runHost } = await import('@stoa/chassis/host/run-host');
    await runHost(await loadServices(args));
    return new Promise(() => {});
  },
  demo,
  audit,
  canary,
  saga,
  parked,
  tasks,
  republish,
  rebuild,
  actions,
  migrate: migrateDatabases,
  reset,
  async help() {
    process.stdout.write(USAGE);
    return 0;
  },
};

async function main([name = 'help', ...args]: readonly string[]): Promise<number> {
  const command = COMMANDS[name === '--help' || name === '-h' ? 'help' : name];
  if (command === undefined) {
    process.stderr.write(`stoa: there is no command "${name}"\n\n${USAGE}`);
    return 2;
  }
  try {
    return await command(args);
  } catch (error) {
    // Expected failures carry a sentence; the stack is for bugs.
    const { message, stack, code } = error as Error & { code?: string };
    const isUsage = code?.startsWith('ERR_PARSE_ARGS') === true;
    const detail = process.env.STOA_DEBUG || !(error instanceof Error) ? stack : message;
    process.stderr.write(`stoa ${name}: ${detail}\n`);
    return isUsage || error instanceof ConfigError ? 2 : 1;
  }
}

process.exit(await main(process.argv.slice(2)));
