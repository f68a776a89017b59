// node mesh/environments/secrets.ts [one]: generated secrets for a cluster whose data is thrown away, as a List for
// kubectl on stdout. Skaffold runs it when a namespace has none; nothing of it is ever stored in the repository. Which
// databases and broker users there are comes from the services' declarations. Production: mesh/platform/secrets.
import { randomBytes } from 'node:crypto';
import { databaseVariable } from '@stoa/chassis/host/host-config';
import { createCredentialKeys, signServiceCredential } from '@stoa/chassis/rpc/credentials';
import { passwordVariable } from '../../scripts/generate/nats.ts';
import { AUDITOR, MIGRATIONS, OPERATOR } from '../../scripts/generate/settings.ts';
import { monolith, separateWorkloads, type Workload } from '../../scripts/generate/workload.ts';
import { currentModel } from '../../scripts/generate/write.ts';

/** Begins with a letter, because NATS reads a variable's value as configuration, in which 12e4 is a number. */
const random = () => `s${randomBytes(24).toString('hex')}`;

type Data = Readonly<Record<string, string>>;

interface Role {
  readonly database: string;
  readonly password: string;
  readonly ownerPassword: string;
}

const secret = (name: string, stringData: Data) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, labels: { 'app.kubernetes.io/part-of': 'stoa' } },
  stringData,
});

const url = (role: string, password: string, database: string) =>
  `postgres://${role}:${password}@postgres:5432/stoa_${database}`;

async function secretsOf(workloads: readonly Workload[]) {
  const databases = workloads.flatMap((workload) => workload.databases);
  const roles = new Map(
    databases.map((database): [string, Role] => [database, { database, password: random(), ownerPassword: random() }]),
  );
  const brokerUsers = new Map(workloads.filter((w) => w.usesBroker).map(({ name }) => [name, random()]));
  const auditorPassword = random();
  const keys = await createCredentialKeys();
  const common = { STOA_TRUST_KEY: keys.trustKey };
  const own = workloads.map(async (workload) =>
    secret(workload.name, {
      ...common,
      ...serviceSecrets(workload, roles, brokerUsers),
      STOA_SERVICE_CREDENTIAL: await signServiceCredential(
        keys.signingKey,
        workload.services.map(({ name }) => name),
      ),
    }),
  );
  return [
    ...(await Promise.all(own)),
    secret(OPERATOR, {
      ...common,
      ...databaseUrls(databases, roles),
      STOA_SERVICE_CREDENTIAL: await signServiceCredential(keys.signingKey, [OPERATOR]),
    }),
    secret(MIGRATIONS, migrationSecrets(roles)),
    secret(AUDITOR, auditorSecrets(databases, auditorPassword)),
    secret('nats', brokerSecrets(brokerUsers)),
    secret('postgres', {
      password: random(),
      'roles.sql': [auditorSql(auditorPassword), ...[...roles.values()].map(roleSql)].join('\n'),
    }),
  ];
}

function serviceSecrets(
  { name, services, databases }: Workload,
  roles: ReadonlyMap<string, Role>,
  brokerUsers: ReadonlyMap<string, string>,
): Data {
  const broker = brokerUsers.get(name);
  return {
    ...databaseUrls(databases, roles),
    ...(broker === undefined ? {} : { STOA_NATS_URL: `nats://${name}:${broker}@nats:4222` }),
    ...(services.some((service) => service.name === 'orders') ? { STOA_ORDER_TOKEN_SECRET: random() } : {}),
  };
}

function databaseUrls(databases: readonly string[], roles: ReadonlyMap<string, Role>): Data {
  return Object.fromEntries(
    databases.map((database) => {
      const password = roles.get(database)?.password ?? '';
      return [databaseVariable(database), url(`stoa_${database}`, password, database)];
    }),
  );
}

function migrationSecrets(roles: ReadonlyMap<string, Role>): Data {
  const entries = [...roles.values()].map(({ database, ownerPassword }) => [
    `STOA_MIGRATE_URL_${database.toUpperCase()}`,
    url(`stoa_${database}_owner`, ownerPassword, database),
  ]);
  return Object.fromEntries(entries) as Data;
}

function brokerSecrets(users: ReadonlyMap<string, string>): Data {
  return Object.fromEntries(
    [...users, ['sys', random()]].map(([user, password]) => [passwordVariable(user as string), password as string]),
  );
}

const AUDIT_ROLE = 'stoa_audit';

function auditorSecrets(databases: readonly string[], password: string): Data {
  return Object.fromEntries(
    databases.map((database) => [databaseVariable(database), url(AUDIT_ROLE, password, database)]),
  );
}

/** Reads everything and changes nothing. */
const auditorSql = (password: string) =>
  `create role ${AUDIT_ROLE} login password '${password}' in role pg_read_all_data;`;

/** What production's platform makes: an owner that migrates, a role that reads and writes rows, and their database. */
function roleSql({ database, password, ownerPassword }: Role): string {
  const name = `stoa_${database}`;
  return [
    `create role ${name}_owner login password '${ownerPassword}';`,
    `create role ${name} login password '${password}';`,
    `create database ${name} owner ${name}_owner;`,
    `revoke all on database ${name} from public;`,
    `grant connect on database ${name} to ${name};`,
  ].join('\n');
}

/** Secrets of an environment: `one` is the monolith, all others have a Deployment for each service. */
export async function generateSecrets(environment: string) {
  const model = await currentModel();
  return secretsOf(environment === 'one' ? [monolith(model)] : separateWorkloads(model));
}

if (import.meta.main) {
  const items = await generateSecrets(process.argv[2] ?? 'dev');
  process.stdout.write(`${JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2)}\n`);
}
