// Brings every service's database up to date: created, owned by its own role, migrated.
import { createHmac } from 'node:crypto';
import { CHASSIS_MIGRATIONS, migrate } from '@stoa/chassis/postgres/migrate';
import { provisionDatabases } from '@stoa/chassis/postgres/provision';
import { databaseSpecs } from '../services.ts';

export interface PrepareOptions {
  /** A role that may create roles and databases. */
  readonly adminUrl: string;
  /** Roles' passwords are derived from it. */
  readonly secret: string;
  readonly onProgress: (line: string) => void;
}

/** Databases and roles are named `stoa_<service>`. Returns the services' URLs by database name. */
export async function prepareDatabases({
  adminUrl,
  secret,
  onProgress,
}: PrepareOptions): Promise<Record<string, string>> {
  const specs = databaseSpecs();
  const provisioned = await provisionDatabases({
    adminUrl,
    prefix: 'stoa',
    names: specs.map(({ name }) => name),
    password: (role) => createHmac('sha256', secret).update(role).digest('base64url'),
  });
  const applied = await Promise.all(
    provisioned.map(({ name, ownerUrl }) => {
      const spec = specs.find((candidate) => candidate.name === name);
      if (spec === undefined) throw new Error(`database ${name} was not asked for`);
      const own = { scope: name, folder: spec.migrations };
      return migrate(ownerUrl, spec.chassis ? [CHASSIS_MIGRATIONS, own] : [own]);
    }),
  );
  const count = applied.reduce((sum, migrations) => sum + migrations, 0);
  if (count > 0) onProgress(`${count} migrations applied`);
  return Object.fromEntries(provisioned.map(({ name, url }) => [name, url]));
}
