// Databases on a server of somebody else's: a managed PostgreSQL gives a role that may create roles and databases, no more.
import { migrate } from '@stoa/chassis/postgres/migrate';
import { provisionDatabases } from '@stoa/chassis/postgres/provision';
import { systemRuntime } from '@stoa/chassis/runtime';
import pg from 'pg';
import { afterEach, expect, inject, test } from 'vitest';

const id = Buffer.from(systemRuntime().random.bytes(6)).toString('hex');
const admin = `admin_${id}`;
const prefix = `p_${id}`;

async function run(url: string, ...statements: readonly string[]): Promise<pg.QueryResult | undefined> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let last: pg.QueryResult | undefined;
  for (const statement of statements) last = await client.query(statement);
  await client.end();
  return last;
}

afterEach(() =>
  run(
    inject('postgresUrl'),
    `drop database if exists ${prefix}_cart with (force)`,
    ...[`${prefix}_cart`, `${prefix}_cart_owner`, admin].map((role) => `drop role if exists ${role}`),
  ),
);

test('are made by a role that is no superuser, and the next start finds them', async () => {
  const superuser = inject('postgresUrl');
  await run(superuser, `create role ${admin} login createdb createrole password 'admin'`);
  const url = new URL(superuser);
  url.username = admin;
  url.password = 'admin';
  const provision = (password: string) =>
    provisionDatabases({ adminUrl: url.href, prefix, names: ['cart'], password: () => password });
  const folder = new URL('./fixtures/migrations/', import.meta.url);
  const [first] = await provision('first');
  expect(await migrate(first?.ownerUrl ?? '', [{ scope: 'cart', folder }])).toBe(1);
  await run(first?.url ?? '', `insert into account (id, balance) values ('kept', 1)`);
  const [second] = await provision('second');
  expect(await migrate(second?.ownerUrl ?? '', [{ scope: 'cart', folder }])).toBe(0);
  expect((await run(second?.url ?? '', 'select id from account'))?.rows).toEqual([{ id: 'kept' }]);
  const roles = await run(
    superuser,
    `select rolsuper or rolcreatedb or rolcreaterole as may_more from pg_roles where rolname like '${prefix}%'`,
  );
  expect(roles?.rows).toEqual([{ may_more: false }, { may_more: false }]);
});

test.each(['postgres:///stoa?host=/var/run/postgresql', '/var/run/postgresql stoa'])(
  'are refused where the URL names no host: %s',
  async (adminUrl) => {
    const provisioning = provisionDatabases({ adminUrl, prefix, names: ['cart'], password: () => 'any' });
    await expect(provisioning).rejects.toThrow('must name a host');
  },
);
