// What a command works on, and that looking at a shop never makes one.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { audit } from '../../src/commands/audit.ts';
import { namedDatabases, withDatabases } from '../../src/operate/find-databases.ts';
import { withShopData } from '../../src/operate/shop-data.ts';
import { findRunning, homeFolder, noteRunning } from '../../src/start/home.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stoa-home-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe('the environment', () => {
  test('names databases', async () => {
    expect(await namedDatabases({ STOA_DATABASE_URL_ORDERS: 'postgres://a', STOA_DATABASE_URL_CART: '' })).toEqual({
      orders: 'postgres://a',
    });
    expect(await namedDatabases({ PATH: '/' })).toBeUndefined();
  });

  test('that names one that there is not is refused', async () => {
    const named = namedDatabases({
      STOA_DATABASE_URL_ORDERS: 'postgres://a',
      STOA_DATABASE_URL_ORDRES: 'postgres://b',
    });
    await expect(named).rejects.toThrow('there is no such database: STOA_DATABASE_URL_ORDRES');
  });

  test('comes before the home, for operators too, and names the owner where one is needed', async () => {
    const env = {
      STOA_HOME: folder,
      STOA_DATABASE_URL_ORDERS: 'postgres://orders@db/orders',
      STOA_DATABASE_URL_CATALOG: 'postgres://catalog@db/catalog',
      STOA_MIGRATE_URL_ORDERS: 'postgres://owner@db/orders',
    };
    await withDatabases(env, async ({ urls, running, owner }) => {
      expect(urls).toEqual({ orders: env.STOA_DATABASE_URL_ORDERS, catalog: env.STOA_DATABASE_URL_CATALOG });
      expect(running).toBe(true);
      expect(owner('orders')).toBe(env.STOA_MIGRATE_URL_ORDERS);
      expect(() => owner('catalog')).toThrow('set STOA_MIGRATE_URL_CATALOG');
    });
    expect(await withShopData(env, async (data) => [data.has('orders'), data.has('cart')])).toEqual([true, false]);
  });
});

describe('a home', () => {
  test('is the repository’s, wherever a command is called from, unless STOA_HOME says otherwise', () => {
    const directory = process.cwd();
    process.chdir(folder);
    try {
      expect(homeFolder({})).toBe(fileURLToPath(new URL('../../../.stoa', import.meta.url)));
      expect(homeFolder({ STOA_HOME: 'here' })).toBe(join(process.cwd(), 'here'));
    } finally {
      process.chdir(directory);
    }
  });

  test('without data is no shop to look at, and stays without', async () => {
    const home = join(folder, 'typo');
    vi.stubEnv('STOA_HOME', home);
    for (const command of [() => audit([]), () => withShopData(process.env, async () => 'done')]) {
      await expect(command()).rejects.toThrow(`there is no data in ${home}`);
    }
    vi.stubEnv('STOA_POSTGRES_URL', 'postgres://somebody@db/postgres');
    await expect(audit([])).rejects.toThrow(`there is no data in ${home}`);
    expect(existsSync(home)).toBe(false);
  });
});

describe('the note of what runs', () => {
  const running = {
    pid: process.pid,
    url: 'http://localhost:4000',
    adminUrl: 'postgres://admin@db/postgres',
    natsUrl: 'nats://broker',
    databases: {},
    addresses: {},
  };

  test('is believed while its process lives', () => {
    noteRunning(folder, running);
    expect(findRunning(folder)).toEqual(running);
  });

  test('is not believed of another process that got its id', () => {
    noteRunning(folder, running);
    const file = join(folder, 'running.json');
    const note = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...note, mark: `${process.pid}-1` }));
    expect(findRunning(folder)).toBeUndefined();
  });
});
