// `stoa migrate` against a real PostgreSQL, with databases and roles as a platform hands them over: created, empty.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { migrateDatabases, readTargets } from '../../src/commands/migrate.ts';

const database = `m_${randomBytes(6).toString('hex')}`;
const owner = `${database}_owner`;
const auditor = `${database}_audit`;
const urlOf = (role: string) => {
  const url = new URL(inject('postgresUrl'));
  url.username = role;
  url.password = 'test';
  url.pathname = `/${database}`;
  return url.href;
};
let admin: pg.Client;

beforeAll(async () => {
  admin = new pg.Client({ connectionString: inject('postgresUrl') });
  await admin.connect();
  for (const role of [owner, database]) await admin.query(`create role ${role} login password 'test'`);
  await admin.query(`create role ${auditor} login password 'test' in role pg_read_all_data`);
  await admin.query(`create database ${database} owner ${owner}`);
});

afterAll(async () => {
  await admin.query(`drop database ${database} with (force)`);
  for (const role of [owner, database, auditor]) await admin.query(`drop role ${role}`);
  await admin.end();
});

async function as<T>(role: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: urlOf(role) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

describe('stoa migrate', () => {
  it("makes the tables as the owner, for the service's role to use, for an auditor to read; again is no change", async () => {
    const env = { STOA_MIGRATE_URL_SHIPPING: urlOf(owner) };
    expect(await migrateDatabases([], env)).toBe(0);
    expect(await migrateDatabases([], env)).toBe(0);
    await as(database, async (client) => {
      const { rows } = await client.query<{ n: string }>('select count(*) as n from shipment');
      expect(rows[0]?.n).toBe('0');
      await expect(client.query('drop table shipment')).rejects.toThrow('must be owner');
      await expect(client.query('create table other (id int)')).rejects.toThrow('permission denied');
    });
    await as(auditor, async (client) => {
      const { rows } = await client.query<{ n: string }>('select count(*) as n from shipment');
      expect(rows[0]?.n).toBe('0');
      await expect(client.query('delete from shipment')).rejects.toThrow('permission denied');
    });
  });
});

describe('its environment', () => {
  it('names databases that exist and roles that own them', () => {
    const url = 'postgres://stoa_orders_owner:x@db/stoa_orders';
    expect(readTargets({ STOA_MIGRATE_URL_ORDERS: url, PATH: '/bin' }, ['orders'])).toEqual([
      { name: 'orders', ownerUrl: url, role: 'stoa_orders' },
    ]);
    expect(() => readTargets({}, ['orders'])).toThrow('no STOA_MIGRATE_URL_<NAME> is set');
    expect(() => readTargets({ STOA_MIGRATE_URL_ORDER: url }, ['orders'])).toThrow('there is no database "order"');
    expect(() => readTargets({ STOA_MIGRATE_URL_ORDERS: 'postgres://stoa_orders@db/x' }, ['orders'])).toThrow('owner');
  });
});
