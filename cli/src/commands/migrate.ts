// `stoa migrate`: what a deployment runs before a new version starts. Brings each database up to date whose owner's URL
// is given (STOA_MIGRATE_URL_ORDERS=postgres://stoa_orders_owner:…@…/stoa_orders), and lets the service's role, which
// is the owner's without "_owner", read and write its rows. Repeating it changes nothing.
import { parseArgs } from 'node:util';
import { ConfigError } from '@stoa/chassis/config';
import { CHASSIS_MIGRATIONS, migrate } from '@stoa/chassis/postgres/migrate';
import { grantRows } from '@stoa/chassis/postgres/provision';

const PREFIX = 'STOA_MIGRATE_URL_';
const OWNER_SUFFIX = '_owner';

type Environment = Readonly<Record<string, string | undefined>>;

interface Target {
  readonly name: string;
  readonly ownerUrl: string;
  readonly role: string;
}

export async function migrateDatabases(args: readonly string[], env: Environment = process.env): Promise<number> {
  parseArgs({ args: [...args], options: {} });
  const { databaseSpecs } = await import('../services.ts');
  const specs = databaseSpecs();
  const targets = readTargets(
    env,
    specs.map(({ name }) => name),
  );
  // One after the other: the log reads in order, and a failure leaves the later ones alone.
  for (const { name, ownerUrl, role } of targets) {
    const spec = specs.find((candidate) => candidate.name === name);
    if (spec === undefined) throw new Error(`there is no database ${name}`);
    await grantRows(ownerUrl, role);
    const own = { scope: name, folder: spec.migrations };
    const count = await migrate(ownerUrl, spec.chassis ? [CHASSIS_MIGRATIONS, own] : [own]);
    process.stdout.write(`${name}: ${count === 0 ? 'up to date' : `${count} migrations applied`}\n`);
  }
  return 0;
}

/** The databases named by the environment; throws one error with everything that is wrong. */
export function readTargets(env: Environment, known: readonly string[]): Target[] {
  const problems: string[] = [];
  const targets = Object.entries(env).flatMap(([variable, ownerUrl]) => {
    if (!variable.startsWith(PREFIX) || ownerUrl === undefined || ownerUrl === '') return [];
    const name = variable.slice(PREFIX.length).toLowerCase();
    if (!known.includes(name)) problems.push(`${variable}: there is no database "${name}"`);
    const owner = URL.canParse(ownerUrl) ? decodeURIComponent(new URL(ownerUrl).username) : '';
    if (!owner.endsWith(OWNER_SUFFIX)) problems.push(`${variable}: its user must be an owner, "<role>${OWNER_SUFFIX}"`);
    return [{ name, ownerUrl, role: owner.slice(0, -OWNER_SUFFIX.length) }];
  });
  if (targets.length === 0) problems.push(`no ${PREFIX}<NAME> is set; there are ${known.join(', ')}`);
  if (problems.length > 0) throw new ConfigError(`cannot migrate:\n  ${problems.join('\n  ')}`);
  return targets.sort((a, b) => (a.name < b.name ? -1 : 1));
}
